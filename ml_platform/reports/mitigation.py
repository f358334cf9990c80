"""What it would take to treat groups alike: a table of the ways, and in words what can be chosen and what can't."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ml_platform.core.measurement import Measurement, number_text
from ml_platform.core.mitigation import EQUAL_SHARES, REWEIGHED, Mitigation, Way
from ml_platform.reports.explanation import interval_text

TITLE = "What it would take to treat groups alike"
QUALITY = {
    "recall": "Recall", "precision": "Precision", "accuracy": "Accuracy", "expected_cost": "Expected cost per row",
}  # fmt: skip
MOST_NAMED = 3
TOGETHER = "intersection_"
READING = (
    "Measured on the holdout, and nothing of it is applied. A ratio is the smallest of its groups. Own thresholds "
    "change as few decisions as bring every ratio to the limit, equal shares as few as make it 1, both on the "
    "calibration rows; reweighing trained once more on the training rows. In parentheses is the change on the same "
    "rows. Brackets hold 95 % intervals; those of the ratios hold together."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MitigationRow:
    """One thing that the ways differ in: its name, and the lines of each way's cell."""

    name: str
    cells: tuple[tuple[str, ...], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the row as plain texts."""
        return (self.name, *("; ".join(lines) for lines in self.cells))


def mitigation_heads(found: Mitigation | None) -> tuple[str, ...]:
    """Return the heads of the table: a column per way that was measured."""
    return ("", *(way.name for way in _measured(found)))


def mitigation_rows(found: Mitigation | None) -> tuple[MitigationRow, ...]:
    """Return a row per thing that the ways differ in; nothing where nothing was measured."""
    ways = _measured(found)
    if not ways or found is None:
        return ()
    groups = tuple(ways[0].rates)
    cells: dict[str, list[tuple[str, ...]]] = {
        **{f"Selected of {group}": [(f"{way.rates[group]:.1%}",) for way in ways] for group in groups},
        **{f"Ratio, {about}": [_ratio(way, about, found) for way in ways] for about in _abouts(ways[0], found)},
        **{
            name: [_quality(way, metric) for way in ways]
            for metric, name in QUALITY.items()
            if any(one.metric == metric for one in ways[0].quality)
        },
        **{f"Decided otherwise, {group}": [_moved(way, group) for way in ways] for group in groups},
    }
    return tuple(MitigationRow(name=name, cells=tuple(lines)) for name, lines in cells.items())


def _measured(found: Mitigation | None) -> tuple[Way, ...]:
    return tuple(way for way in found.ways if not way.reason) if found else ()


def _abouts(way: Way, found: Mitigation) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_about, _limited(way, found))))


def _about(one: Measurement) -> str:
    """Return which groups a ratio compares: those of an attribute, or combinations."""
    return "combinations" if one.metric.startswith(TOGETHER) else one.subject.partition("=")[0]


def _ratio(way: Way, about: str, found: Mitigation) -> tuple[str, ...]:
    """Return the smallest of the groups' ratios; which two groups that is may differ from way to way."""
    these = [one for one in _limited(way, found) if _about(one) == about and one.value is not None]
    least = min(these, key=lambda one: one.value or 0.0, default=None)
    return ("not measured",) if least is None else (number_text(least.value), interval_text(least))


def _quality(way: Way, metric: str) -> tuple[str, ...]:
    found = (one for one in way.quality if one.metric == metric)
    now = (line for one in found for line in (number_text(one.value), interval_text(one)) if line)
    since = (f"({_plus(one)} {interval_text(one)})" for one in way.changes if one.subject == metric)
    return (*now, *since)


def _moved(way: Way, group: str) -> tuple[str, ...]:
    return (f"{way.gained[group]:,} more, {way.lost[group]:,} fewer",) if way.changes else ("-",)


def mitigation_words(found: Mitigation | None) -> tuple[str, ...]:
    """Return what a person can do about it, one paragraph each; nothing where nothing was measured."""
    return () if found is None else tuple(_words(found))


def mitigation_hint(found: Mitigation) -> str:
    """Say in one line what the ways would do to the smallest ratio, and at which price."""
    as_is, *others = found.ways
    told = [f"{way.name} {_smallest(way, found)} ({_price(way)})" for way in others if not way.reason]
    return f"smallest selection-rate ratio as is {_smallest(as_is, found)}, {', '.join(told)}; nothing is applied"


def _words(found: Mitigation) -> Iterator[str]:
    yield from (f"{way.name}: {way.reason}." for way in found.ways if way.reason)
    ways = {way.name: way for way in found.ways}
    equal, reweighed = ways.get(EQUAL_SHARES), ways.get(REWEIGHED)
    if reweighed and not reweighed.reason:
        columns, kept = ", ".join(found.columns), _outcome(reweighed, found)
        price = next((one for one in reweighed.changes if one.subject == "expected_cost"), None)
        cost = f" It changes the expected cost per row by {_plus(price)} {interval_text(price)}." if price else ""
        yield (
            f"To choose reweighing, write 'reweigh: [{columns}]' under 'learner' in the model file and release again: "
            f"the gates judge it as they judge any model. By what was measured here, {kept}.{cost}"
        )
    yield (
        "Own thresholds can't be written in the model file: to decide with them, whoever asks has to say the person's "
        "group, and to decide by group isn't lawful everywhere."
    )
    if equal and not equal.reason:
        yield from _equal_words(equal, found)
    yield (
        "Which of the ways is fair is for a person to decide; another target, other features and a waiver are ways too."
    )


def _equal_words(equal: Way, found: Mitigation) -> Iterator[str]:
    """Say whether equal shares are enough, and what they do to those for whom the outcome comes true, as measured."""
    if missed := _missed(equal, found):
        yield f"Even with equal shares, chosen on the calibration rows, the limit is surely missed: {missed}."
    elif not _is_kept(equal, found):
        yield (
            "Even with equal shares the ratio isn't kept over its whole interval: as many holdout rows as these can't "
            "show that groups are selected alike. More rows of the small groups are needed to tell."
        )
    change = next((one for one in equal.changes if one.subject == "recall" and one.value is not None), None)
    if change is None or change.value is None:
        return
    if change.low is None or change.high is None or change.low <= 0 <= change.high:
        yield "Whether equal shares find more or fewer of the people for whom the outcome comes true can't be told."
        return
    word = "more" if change.value > 0 else "fewer"
    told = f"recall {_plus(change)} {interval_text(change)}"
    yield f"Here equal shares find {word} of the people for whom the outcome comes true ({told})."


def _limited(way: Way, found: Mitigation) -> tuple[Measurement, ...]:
    return tuple(one for one in way.ratios if one.metric in found.limits)


def _plus(one: Measurement) -> str:
    return "?" if one.value is None else f"{one.value:+.3f}"


def _signed(way: Way, metric: str) -> str:
    return next((_plus(one) for one in way.changes if one.subject == metric), "?")


def _price(way: Way) -> str:
    """Say in a few words what a way does to recall, and to the expected cost where costs are declared."""
    told = {"recall": "recall", "cost per row": "expected_cost"}
    known = {one.subject for one in way.changes}
    return ", ".join(f"{name} {_signed(way, of)}" for name, of in told.items() if of == "recall" or of in known)


def _smallest(way: Way, found: Mitigation) -> str:
    """Return the smallest ratio; combinations, which few people share, count only where they are what isn't kept."""
    limited = _limited(way, found)
    single = [one for one in limited if not one.metric.startswith(TOGETHER)]
    known = [one.value for one in single or limited if one.value is not None]
    return number_text(min(known, default=None))


def _is_kept(way: Way, found: Mitigation) -> bool:
    return all(one.low is not None and one.low >= found.limits[one.metric] for one in _limited(way, found))


def _missed(way: Way, found: Mitigation) -> str:
    """Name the comparisons that surely miss their limit, the worst first; empty where none does."""
    missed = [one for one in _limited(way, found) if one.high is not None and one.high < found.limits[one.metric]]
    worst = sorted(missed, key=lambda one: (one.metric.startswith(TOGETHER), one.value or 0.0))
    told = [f"{one.subject} {number_text(one.value)} {interval_text(one)}" for one in worst[:MOST_NAMED]]
    more = [f"{len(worst) - MOST_NAMED} more"] if len(worst) > MOST_NAMED else []
    return "; ".join([*told, *more])


def _outcome(way: Way, found: Mitigation) -> str:
    if missed := _missed(way, found):
        return f"the limit would still be missed: {missed}"
    return "the limit would be kept" if _is_kept(way, found) else "the gate would be undecided: the intervals are wide"


def limits_text(limits: Mapping[str, float]) -> str:
    """Say the limits that aren't kept.

    >>> limits_text({"selection_rate_ratio": 0.8})
    'selection_rate_ratio ≥ 0.8'
    """
    return "; ".join(f"{metric} ≥ {number_text(limit)}" for metric, limit in limits.items())
