"""Monitor a window: performance with the labels that came, drift of inputs and score, missing and unseen values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, assert_never

import numpy as np

from ml_platform.core.digest import digest_of
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import MonitoringRecord
from ml_platform.policy.metrics import METRICS
from ml_platform.stages.alarms import LOOKED_BACK, alarms_in, measure_alarms
from ml_platform.stages.beyond_chance import beyond_chance
from ml_platform.stages.causes import Upstream, explain_alarms
from ml_platform.stages.estimates import measure_estimates
from ml_platform.stages.live_classes import measure_live_classes
from ml_platform.stages.live_numbers import measure_live_numbers
from ml_platform.stages.live_slices import measure_live_slices
from ml_platform.stages.monitors import SCORE, Watched, count_columns, watch_columns, watch_performance
from ml_platform.stages.outcome_codes import outcome_codes
from ml_platform.stages.reference import score_columns
from ml_platform.stages.season import measure_in_season
from ml_platform.stages.window import read_window
from ml_platform.stats.psi_of_counts import psi_of_counts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import ReleaseRecord, WindowRecord
    from ml_platform.policy.spec import ModelSpec, Task
    from ml_platform.stages.monitors import CountedColumn
    from ml_platform.stages.periods import Period
    from ml_platform.stages.reference import Reference

    Floats = NDArray[np.float64]


def monitor_window(
    spec: ModelSpec,
    *,
    store: ArtefactStore,
    window: WindowRecord,
    period: Period,
    live: ReleaseRecord,
    reference: Reference,
    earlier: Sequence[MonitoringRecord] = (),
    upstream: Upstream | None = None,
) -> Measured[MonitoringRecord]:
    """Measure one window against what the live version was released with.

    Only rows scored by the live version count: another version's rows would compare two models. `earlier` are the
    records of other windows, in any order: evidence goes on from those before this one that the same version served.
    `upstream` says where inputs come from and go to; without it an alarm knows less of its causes.
    """
    frame = read_window(store, window)
    scored = _only(frame, (frame["version"] == live.version) & frame["score"].notna())
    del frame  # which may be large
    before = _before(earlier, period, live)
    counted = count_columns(spec, scored, reference)
    watched = _watched(spec, scored, reference), watch_columns(counted, len(scored))
    label, score = _scored(scored, reference, spec)
    estimated = measure_estimates(spec, label, score, reference, before)
    measured = (
        *measure_labelled(_only(scored, scored["label"].notna()), reference, spec),
        *estimated.measurements,
        *(_drift(one, len(scored)) for one in counted),
        *measure_in_season(spec, scored, reference, period),
        *_quality(scored, spec),
        *explain_alarms(spec, list(_alarms(spec, watched, before)), upstream or Upstream()),
    )
    said = {"window": window.digest, "model": live.candidate.model_digest, "earlier": [one.digest for one in before]}
    record = MonitoringRecord(
        model=spec.model,
        environment=window.environment,
        window=window.window,
        window_end=period.end,
        digest=digest_of(said),
        window_digest=window.digest,
        version=live.version,
        model_digest=live.candidate.model_digest,
        labelled=int(np.isfinite(label).sum()),
        estimates=estimated.estimates,
        summaries={name: seen for each in watched for name, seen in each.seen.items()},
        alarms=alarms_in(measured),
    )
    return Measured(record=record, measurements=measured)


def _only(rows: pd.DataFrame, those: pd.Series[bool]) -> pd.DataFrame:
    """Return rows, without a copy where it is all of them."""
    return rows if those.all() else rows[those]


def _before(earlier: Sequence[MonitoringRecord], period: Period, live: ReleaseRecord) -> list[MonitoringRecord]:
    """Return the newest records of windows before this one that the same version served, in order."""
    same = (one for one in earlier if one.model_digest == live.candidate.model_digest)
    ordered = sorted((one for one in same if one.window_end <= period.start), key=lambda one: one.window_end)
    return ordered[-LOOKED_BACK:]


def _watched(spec: ModelSpec, rows: pd.DataFrame, reference: Reference) -> Watched:
    """Return what the monitors of performance saw; without enough labels no rows."""
    label = _outcomes(rows, reference, spec)
    known = np.isfinite(label)
    columns = [column for _, column in score_columns(reference.classes)]
    if _lacking(rows, known, columns, spec):
        known, columns = np.zeros_like(known), []
    score = rows.loc[known, columns].to_numpy(dtype=np.float64)
    return watch_performance(spec, label[known], score, reference)


def _alarms(
    spec: ModelSpec, watched: tuple[Watched, Watched], before: Sequence[MonitoringRecord]
) -> Iterable[Measurement]:
    if spec.monitoring is not None:
        for each in watched:
            yield from measure_alarms(spec, spec.monitoring, each.monitors, each.seen, before)


def measure_labelled(rows: pd.DataFrame, reference: Reference, spec: ModelSpec) -> Iterable[Measurement]:
    """Measure how the live version did on the rows whose outcome has come; undefined with fewer than the file needs.

    A label that is no outcome of the target counts as none.
    """
    label = _outcomes(rows, reference, spec)
    known = np.isfinite(label)
    columns = [column for _, column in score_columns(reference.classes)]
    reason = _lacking(rows, known, columns, spec)
    if reason:
        return [_unknown(metric, int(known.sum()), reason) for metric in live_metrics(spec.learner.task)]
    label, score = label[known], rows.loc[known, columns].to_numpy(dtype=np.float64)
    sliced = measure_live_slices(spec, rows[known], label, score, reference)
    match spec.learner.task:
        case "binary":
            return (*_of_ranking(label, score[:, 0], reference), *sliced)
        case "regression" | "quantile":
            return (*measure_live_numbers(spec, label, score[:, 0], reference), *sliced)
        case "multiclass":
            return (*measure_live_classes(spec, label, score, reference), *sliced)
        case task:
            assert_never(task)


def _scored(rows: pd.DataFrame, reference: Reference, spec: ModelSpec) -> tuple[Floats, Floats]:
    """Return all outcomes by their codes, NaN where none is known, and all scores, shape (n, scores)."""
    columns = [column for _, column in score_columns(reference.classes)]
    if not set(columns) <= set(rows):
        return np.empty(0), np.empty((0, len(columns)))
    return _outcomes(rows, reference, spec), rows[columns].to_numpy(dtype=np.float64)


def _outcomes(rows: pd.DataFrame, reference: Reference, spec: ModelSpec) -> Floats:
    import pandas as pd

    labels = rows["label"]
    if pd.api.types.is_float_dtype(labels):
        return outcome_codes(spec.learner.task, reference.classes, labels.to_numpy(dtype=np.float64))
    told = labels.astype(object)
    return outcome_codes(spec.learner.task, reference.classes, told.where(told.notna(), None))


def _lacking(rows: pd.DataFrame, known: NDArray[np.bool_], columns: list[str], spec: ModelSpec) -> str:
    """Return why the rows don't say how the version did; empty when they do."""
    needed = spec.monitoring.minimum_labels if spec.monitoring else 1
    came = int(known.sum())
    if came < needed:
        others = int(rows["label"].notna().sum()) - came
        rest = f" ({others:,} more are no outcomes of {spec.target})" if others else ""
        return f"{came:,} labels have come for this version{rest}, {needed:,} are needed"
    absent = [column for column in columns if column not in rows]
    return f"the window holds no probabilities of {len(absent)} of {len(columns)} classes" if absent else ""


def live_metrics(task: Task) -> tuple[str, ...]:
    """Return the metrics of a window that need labels."""
    return tuple(
        name
        for name, metric in METRICS.items()
        if task in metric.tasks and "monitoring" in metric.stages and name.startswith("live_")
    )


def _unknown(metric: str, n: int, reason: str) -> Measurement:
    return Measurement(metric=metric, value=None, n=n, unit=METRICS[metric].unit, reason=reason)


def _of_ranking(label: Floats, score: Floats, reference: Reference) -> Iterable[Measurement]:
    from ml_platform.stats.calibration_intercept import calibration_intercept
    from ml_platform.stats.calibration_slope import calibration_slope
    from ml_platform.stats.mean_interval import mean_interval
    from ml_platform.stats.roc_auc import roc_auc
    from ml_platform.stats.roc_auc_change import roc_auc_change

    yield _renamed(roc_auc(label, score), "live_roc_auc")
    if reference.headline is None:
        reason = "the release has no AUC on its holdout to compare with"
        yield Measurement(metric="live_roc_auc_change", value=None, n=label.size, reason=reason)
    else:
        error = reference.standard_error
        change = roc_auc_change(label, score, reference_auc=reference.headline, reference_se=error)
        yield _renamed(change, "live_roc_auc_change")
    yield _renamed(mean_interval(score - label), "live_calibration_bias")
    yield _renamed(calibration_intercept(label, score), "live_calibration_intercept")
    yield _renamed(calibration_slope(label, score), "live_calibration_slope")


def _drift(counted: CountedColumn, rows: int) -> Measurement:
    metric, subject = "input_psi", counted.name
    if not counted.column.startswith("input_"):
        metric, subject = "score_psi", counted.name.removeprefix(SCORE).removeprefix(" of ")
    if counted.now is None:
        what = "value of this column" if metric == "input_psi" else "probability of this class"
        return Measurement(metric=metric, subject=subject, value=None, n=rows, reason=f"the window holds no {what}")
    return dataclasses.replace(beyond_chance(psi_of_counts(counted.then, counted.now, subject=subject)), metric=metric)


def _quality(rows: pd.DataFrame, spec: ModelSpec) -> Iterable[Measurement]:
    from ml_platform.stats.share import share

    for name in spec.inputs:
        missing = rows[f"input_{name}"].isna() if f"input_{name}" in rows else [True] * len(rows)
        found = share(missing, metric="live_missing_share_excess", subject=name)
        if found.value is None:
            yield found
            continue
        allowed = spec.contract[name].missing
        yield Measurement(
            metric=found.metric,
            subject=name,
            value=found.value - allowed,
            low=None if found.low is None else found.low - allowed,
            high=None if found.high is None else found.high - allowed,
            confidence=found.confidence,
            n=found.n,
            unit="share",
            facts={"missing_share": found.value, "declared": allowed},
        )
    yield share(rows["unseen"].to_numpy() > 0, metric="live_unseen_share")


def _renamed(found: Measurement, metric: str) -> Measurement:
    return dataclasses.replace(found, metric=metric)
