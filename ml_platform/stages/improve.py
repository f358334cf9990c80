"""Improve: from recorded evidence alone, what would help a model most and how far its releases kept their promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.improvement import Advice, Improvement, Kept
from ml_platform.core.measurement import Measurement, number_text
from ml_platform.core.records import MonitoringRecord, ReleaseRecord
from ml_platform.stats.square_and_add import bounds_of_difference

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore, Ledger
    from ml_platform.policy.spec import ModelSpec, Task

MOST_SLICES = 3
MOST_COLUMNS = 3
WEAK = ("weak_slice_loss", "weak_slice_log_loss")
CURVE = "loss_saved_by_next_doubling"
GAIN: Mapping[Task, str] = {
    "binary": "roc_auc_difference",
    "multiclass": "loss_against_champion",
    "regression": "loss_against_champion",
    "quantile": "loss_against_champion",
}
LIVE: Mapping[Task, tuple[str, str]] = {
    "binary": ("live_roc_auc_change", "AUC"),
    "multiclass": ("live_loss_change", "loss"),
    "regression": ("live_loss_change", "loss"),
    "quantile": ("live_loss_change", "loss"),
}
# What is wrong with columns and outcomes while the model is live: metric, the words for it, and what to do.
LIVE_FAULTS: Mapping[str, tuple[str, str]] = {
    "live_missing_share_excess": ("more missing values than declared", "repair the source of"),
    "live_unseen_share": ("values never seen in training", "retrain with the new values of"),
    "input_psi": ("drift since training (PSI)", "look what changed in"),
}
LABEL_FAULTS: Mapping[str, str] = {
    "unknown_label_share": "outcomes belong to no prediction",
    "label_conflict_share": "predictions have contradictory outcomes",
    "impossible_label_share": "outcomes can't be the target's",
    "feedback_conflict_share": "predictions have contradictory feedback",
    "feedback_aside_share": "remarks can't be used",
}
UNRANKED_LEAST = {"input_psi": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A judged window of traffic: its name, the version that served it, what was measured."""

    name: str
    version: int
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is on record of a model: the newest evaluation, every release's by version, windows in order, feedback."""

    evaluation: tuple[Measurement, ...]
    releases: Mapping[int, tuple[Measurement, ...]]
    replaced: Mapping[int, int]
    windows: tuple[Window, ...]
    feedback: tuple[Measurement, ...]


def improve(spec: ModelSpec, recorded: Recorded) -> Improvement:
    """Return what would help most, first what is proven to save the largest part of the loss; nothing is measured anew.

    A slice saves what its loss lies above that of all other rows, the next doubling of the training rows what the
    learning curve says. What can't be told in parts of the loss stands behind it, the largest first.
    """
    advice = [*_slices(recorded.evaluation), *_rows(recorded.evaluation)]
    advice.sort(key=lambda one: -(one.saving or 0.0))
    live = recorded.windows[-1].measurements if recorded.windows else ()
    return Improvement(
        model=spec.model,
        advice=(*advice, *_columns(live), *_labels(recorded.feedback)),
        kept=tuple(_kept(spec.learner.task, recorded)),
        missing=tuple(_missing(recorded)),
    )


def read_recorded(
    store: ArtefactStore,
    ledger: Ledger,
    *,
    model: str,
    evaluation_digest: str,
    windows: Sequence[MonitoringRecord],
) -> Recorded:
    """Return what is on record; `evaluation_digest` names the newest evaluation, "" when there is none.

    An evaluation that is gone counts as none.
    """
    releases = ledger.releases(model)
    policies = dict.fromkeys(one.policy_digest for one in reversed(releases))
    latest = ledger.latest_part(model, "feedback")
    return Recorded(
        evaluation=_evaluated(store, evaluation_digest),
        releases={one.version: _evaluated(store, one.candidate.evaluation_digest) for one in releases},
        replaced=_replaced(ledger, model, releases),
        windows=tuple(_windows(ledger, model, windows, tuple(policies))),
        feedback=tuple(one for verdict in latest.verdicts for one in verdict.measurements) if latest else (),
    )


def _evaluated(store: ArtefactStore, digest: str) -> tuple[Measurement, ...]:
    if not digest:
        return ()
    try:
        content = store.read("evaluations", digest, "measurements.json")
    except (DataInvalid, Unavailable):
        return ()
    return msgspec.json.decode(content, type=tuple[Measurement, ...])


def _replaced(ledger: Ledger, model: str, releases: Sequence[ReleaseRecord]) -> dict[int, int]:
    """Return for each version that went to production the one that it replaced there first."""
    known = {one.version for one in releases}
    history = [one.version for one in ledger.history(model, "production") if one.version in known]
    pairs = [(after, before) for before, after in pairwise(history) if after > before]
    return dict(reversed(pairs))


def _windows(
    ledger: Ledger, model: str, records: Sequence[MonitoringRecord], policies: Sequence[str]
) -> Iterator[Window]:
    latest = ledger.latest_part(model, "monitoring")
    known = dict.fromkeys([*([latest.policy_digest] if latest else []), *policies])
    for record in sorted(records, key=lambda one: one.window_end):
        found = [ledger.part(model, "monitoring", record.digest, policy) for policy in known]
        part = next((one for one in found if one is not None), None)
        if part is not None:
            measured = tuple(one for verdict in part.verdicts for one in verdict.measurements)
            yield Window(name=record.window, version=record.version, measurements=measured)


def _slices(evaluation: Sequence[Measurement]) -> Iterator[Advice]:
    """Yield the slices that are proven to be worse than all other rows."""
    worse = [one for one in evaluation if one.metric in WEAK and one.low is not None and one.low > 0]
    for one in worse[:MOST_SLICES]:
        outside, elsewhere = one.facts.get("rows_elsewhere"), one.facts.get("loss_elsewhere")
        if not isinstance(outside, int) or not isinstance(elsewhere, float) or not elsewhere > 0 or one.low is None:
            continue
        beyond = one.n * one.low
        text = f"its loss is {_percent(one.value)} larger than elsewhere {_interval(one, percent=True)}"
        yield Advice(
            what=f"make the model better where {one.subject}: more rows or features of it",
            why=text, n=one.n, saving=beyond / (one.n * (1 + one.low) + outside),
        )  # fmt: skip


def _rows(evaluation: Sequence[Measurement]) -> Iterator[Advice]:
    one = _find(evaluation, CURVE)
    if one is not None and one.low is not None and one.low > 0:
        text = (
            f"as many training rows again would save {_percent(one.value)} of the loss {_interval(one, percent=True)}"
        )
        yield Advice(what="gather more rows", why=text, n=one.n, saving=one.low)


def _columns(live: Sequence[Measurement]) -> Iterator[Advice]:
    """Yield the columns that are worst off in the newest window; what it costs isn't recorded."""
    for metric, (words, do) in LIVE_FAULTS.items():
        found = {one.subject: one for one in live if one.metric == metric and one.value is not None}
        bad = [one for one in found.values() if (one.value or 0.0) > UNRANKED_LEAST.get(metric, 0.0)]
        for one in sorted(bad, key=lambda each: -(each.value or 0.0))[:MOST_COLUMNS]:
            what = f"{do} {one.subject or 'the inputs'}"
            yield Advice(what=what, why=f"{words}: {number_text(one.value)} {_interval(one)}".rstrip(), n=one.n)


def _labels(feedback: Sequence[Measurement]) -> Iterator[Advice]:
    for metric, words in LABEL_FAULTS.items():
        one = _find(feedback, metric)
        if one is not None and one.value:
            yield Advice(
                what="make outcomes more reliable",
                why=f"{_percent(one.value)} of the {words} {_interval(one, percent=True)}",
                n=one.n,
            )


def _kept(task: Task, recorded: Recorded) -> Iterator[Kept]:
    metric, name = LIVE[task]
    for version, evaluated in recorded.releases.items():
        promised = _find(evaluated, GAIN[task]) if version in recorded.replaced else None
        if promised is not None and promised.value is not None and task == "binary":
            yield _gain(version, recorded.replaced[version], promised, recorded.windows)
        for window in recorded.windows:
            found = _find(window.measurements, metric) if window.version == version else None
            if found is not None and found.value is not None:
                yield Kept(
                    version=version,
                    of=f"{name} in {window.name}",
                    promised="as on the holdout",
                    came_true=f"{found.value:+.4f} {_interval(found)} (n = {found.n:,})",
                    agrees=_holds_zero(found),
                )


def _gain(version: int, before: int, promised: Measurement, windows: Sequence[Window]) -> Kept:
    """Hold a promised gain against the first window of a version less the last one of the version before it."""
    ours = [one for one in windows if one.version == version]
    theirs = [one for one in windows if one.version == before]
    first, last = (
        _find(one[place].measurements, "live_roc_auc") if one else None for one, place in ((ours, 0), (theirs, -1))
    )
    text = f"{number_text(promised.value)} {_interval(promised)} (n = {promised.n:,})"
    of = f"gain of AUC over v{before}"
    if first is None or last is None or first.value is None or last.value is None:
        return Kept(version=version, of=of, promised=text, came_true="no window with outcomes of both", agrees=None)
    low, high = bounds_of_difference(first, last)
    gained = Measurement(metric="gain", value=first.value - last.value, low=low, high=high, n=first.n + last.n)
    below, above = bounds_of_difference(gained, promised)
    apart = gained.value - promised.value if gained.value is not None and promised.value is not None else None
    agrees = _holds_zero(Measurement(metric="apart", value=apart, low=below, high=above, n=gained.n))
    return Kept(
        version=version, of=of, promised=text,
        came_true=f"{number_text(gained.value)} {_interval(gained)} (n = {gained.n:,})", agrees=agrees,
    )  # fmt: skip


def _missing(recorded: Recorded) -> Iterator[str]:
    if not recorded.evaluation:
        yield "no evaluation is on record: slices and learning curve aren't known"
    else:
        if not any(one.metric in WEAK for one in recorded.evaluation):
            yield "weak slices weren't looked for: evaluate in full"
        if _find(recorded.evaluation, CURVE) is None:
            yield "there is no learning curve: evaluate in full"
    if not recorded.windows:
        yield "no window of traffic was judged: nothing is known of inputs and performance in production"
    if not recorded.feedback:
        yield "no outcomes were judged: nothing is known of their quality"
    if not recorded.replaced:
        yield "no release replaced another in production: no gain was promised"


def _find(measured: Sequence[Measurement], metric: str) -> Measurement | None:
    return next((one for one in measured if one.metric == metric and one.value is not None and not one.subject), None)


def _holds_zero(one: Measurement) -> bool | None:
    return None if one.low is None or one.high is None else one.low <= 0 <= one.high


def _percent(value: float | None) -> str:
    return "?" if value is None else f"{100 * value:.3g} %"


def _interval(one: Measurement, *, percent: bool = False) -> str:
    if one.low is None or one.high is None:
        return ""
    low, high = (_percent(each) if percent else number_text(each) for each in (one.low, one.high))
    return f"[{low}, {high}]"
