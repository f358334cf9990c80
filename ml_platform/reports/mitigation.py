"""What it would take to treat groups alike: a table of the ways, and in words what can be chosen and what can't."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ml_platform.core.measurement import Measurement, number_text
from ml_platform.core.mitigation import EQUAL_SHARES, REWEIGHED, Mitigation, Way
from ml_platform.reports.explanation import interval_text

TITLE = "What it would take to treat groups alike"
QUALITY = {"recall": "Recall", "precision": "Precision", "accuracy": "Accuracy"}
HEADS = ("", "Selected of each group", "Selection-rate ratio", *QUALITY.values(), "Rows decided otherwise")
READING = (
    "Measured on the holdout, and nothing of it is applied. Thresholds were chosen on the calibration rows; reweighing "
    "trained once more on the training rows. Own thresholds change as few decisions as bring the ratio to the limit; "
    "equal shares, as few as make every group's share the same. In parentheses is the change on the same rows; brackets "
    "hold 95 % intervals, those of the ratios hold together."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MitigationRow:
    """One way: its name, and the lines of each cell in the order of the heads after the first; `why` there are none."""

    name: str
    cells: tuple[tuple[str, ...], ...]
    why: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the row as plain texts under the heads."""
        cells = self.cells or ((self.why,), *[()] * (len(HEADS) - 2))
        return (self.name, *("; ".join(lines) for lines in cells))


def mitigation_rows(found: Mitigation | None) -> tuple[MitigationRow, ...]:
    """Return a row per way; nothing where nothing was measured."""
    ways = found.ways if found else ()
    return tuple(
        MitigationRow(name=way.name, cells=() if way.reason or found is None else _cells(way, found), why=way.reason)
        for way in ways
    )


def mitigation_words(found: Mitigation | None) -> tuple[str, ...]:
    """Return what a person can do about it, one paragraph each; nothing where nothing was measured."""
    return () if found is None else tuple(_words(found))


def mitigation_hint(found: Mitigation) -> str:
    """Say in one line what the ways would do to the smallest ratio, and at which price."""
    as_is, *others = found.ways
    told = [f"{way.name} {_smallest(way, found)} (recall {_signed(way, 'recall')})" for way in others if not way.reason]
    return f"smallest selection-rate ratio as is {_smallest(as_is, found)}, {', '.join(told)}; nothing is applied"


def _words(found: Mitigation) -> Iterator[str]:
    ways = {way.name: way for way in found.ways}
    equal, reweighed = ways.get(EQUAL_SHARES), ways.get(REWEIGHED)
    if reweighed and not reweighed.reason:
        columns, kept = ", ".join(found.columns), _outcome(reweighed, found)
        yield (
            f"To choose reweighing, write `reweigh: [{columns}]` under `learner` in the model file and release again: "
            f"the gates judge it as they judge any model. By what was measured here, {kept}."
        )
    yield (
        "Own thresholds can't be written in the model file: to decide with them, whoever asks has to say the person's "
        "group, and to decide by group isn't lawful everywhere."
    )
    if equal and not equal.reason and not _is_kept(equal, found):
        yield (
            "Even with equal shares the ratio isn't kept over its whole interval: as many holdout rows as these can't "
            "show that groups are selected alike. More rows of the small groups are needed to tell."
        )
    yield (
        "Where the groups' outcomes differ, equal shares select fewer people for whom the outcome comes true. Which of "
        "the two is fair is for a person to decide; another target, other features and a waiver are ways too."
    )


def _cells(way: Way, found: Mitigation) -> tuple[tuple[str, ...], ...]:
    ratios = (f"{_about(one)} {number_text(one.value)} {interval_text(one)}".rstrip() for one in _limited(way, found))
    return (
        tuple(f"{group} {rate:.1%}" for group, rate in way.rates.items()),
        tuple(ratios),
        *(tuple(_quality(way, metric)) for metric in QUALITY),
        tuple(f"{group} +{more:,} -{way.lost[group]:,}" for group, more in way.gained.items()),
    )


def _limited(way: Way, found: Mitigation) -> tuple[Measurement, ...]:
    return tuple(one for one in way.ratios if one.metric in found.limits)


def _about(one: Measurement) -> str:
    return one.subject or one.metric


def _quality(way: Way, metric: str) -> Iterator[str]:
    for one in way.quality:
        if one.metric == metric:
            yield f"{number_text(one.value)} {interval_text(one)}".rstrip()
    for one in way.changes:
        if one.subject == metric:
            yield f"({_plus(one)} {interval_text(one)})"


def _plus(one: Measurement) -> str:
    return "?" if one.value is None else f"{one.value:+.3f}"


def _signed(way: Way, metric: str) -> str:
    return next((_plus(one) for one in way.changes if one.subject == metric), "?")


def _smallest(way: Way, found: Mitigation) -> str:
    known = [one.value for one in _limited(way, found) if one.value is not None]
    return number_text(min(known, default=None))


def _is_kept(way: Way, found: Mitigation) -> bool:
    return all(one.low is not None and one.low >= found.limits[one.metric] for one in _limited(way, found))


def _outcome(way: Way, found: Mitigation) -> str:
    missed = [one for one in _limited(way, found) if one.high is not None and one.high < found.limits[one.metric]]
    if missed:
        return f"the limit would still be missed ({_about(missed[0])})"
    return "the limit would be kept" if _is_kept(way, found) else "the gate would be undecided: the intervals are wide"


def limits_text(limits: Mapping[str, float]) -> str:
    """Say the limits that aren't kept.

    >>> limits_text({"selection_rate_ratio": 0.8})
    'selection_rate_ratio ≥ 0.8'
    """
    return "; ".join(f"{metric} ≥ {number_text(limit)}" for metric, limit in limits.items())
