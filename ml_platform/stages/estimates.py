"""Estimates: how the live version will turn out to do, before outcomes are known, and whether that came true."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.core.records import Estimate
from ml_platform.stats.estimated_accuracy import estimated_accuracy
from ml_platform.stats.estimated_log_loss import estimated_log_loss
from ml_platform.stats.estimated_roc_auc import estimated_roc_auc
from ml_platform.stats.expected_outcomes import ExpectedOutcomes, expected_outcomes
from ml_platform.stats.log_loss import row_log_losses
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from ml_platform.core.records import MonitoringRecord
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.reference import Reference

Floats = NDArray[np.float64]
ASSUMED = "that the scores are calibrated as on the holdout: a changed meaning of the inputs can't be seen this way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """What was measured, and what to keep of it by metric, with what came true where outcomes are known."""

    measurements: tuple[Measurement, ...]
    estimates: Mapping[str, Estimate]


def measure_estimates(
    spec: ModelSpec, label: Floats, score: Floats, reference: Reference, before: Sequence[MonitoringRecord]
) -> Estimated:
    """Estimate AUC, accuracy and log loss of a window from its scores alone, and score estimates that came due.

    `label` holds outcomes by their codes, NaN where none is known, shape (n,), `score` predictions, shape (n, scores).
    Of numbers and quantiles nothing is estimated: they carry no confidence. Where `minimum_labels` outcomes are known,
    an estimate of exactly their rows is held against what came true; `before` are the earlier windows' records.
    """
    needed = spec.monitoring.minimum_labels if spec.monitoring else 1
    known = np.isfinite(label)
    found = list(_estimated(spec, score, reference))
    kept = {one.metric: kept for one in found if (kept := _kept(one)) is not None}
    if int(known.sum()) >= needed:
        due = {one.metric: one for one in _estimated(spec, score[known], reference)}
        true = _realised(spec, label[known], score[known], reference)
        for metric, value in true.items():
            one = _kept(due[metric]) if metric in due else None
            if one is not None and value is not None:
                kept[metric] = dataclasses.replace(one, realised=value)
    return Estimated(
        measurements=(*found, *_change(found, reference), *_coverage(kept, before)),
        estimates=kept,
    )


def _estimated(spec: ModelSpec, score: Floats, reference: Reference) -> Iterator[Measurement]:
    expected = _expected(spec, score, reference)
    if expected is None:
        return
    found = [estimated_accuracy(expected, _decided(spec, score, reference))]
    if spec.learner.task == "binary":
        found += [estimated_roc_auc(expected), estimated_log_loss(expected)]
    for one in found:
        yield dataclasses.replace(one, facts={**one.facts, "assumes": ASSUMED})


def _expected(spec: ModelSpec, score: Floats, reference: Reference) -> ExpectedOutcomes | None:
    """Return what is to be expected: of two classes that the outcome is true, of several that the likeliest is."""
    if reference.proven is None:
        return None
    outcome, proven = reference.proven
    match spec.learner.task:
        case "binary":
            return expected_outcomes(score[:, 0], known_outcome=outcome, known_score=proven[:, 0])
        case "multiclass":
            right = (proven.argmax(axis=1) == outcome).astype(np.float64)
            return expected_outcomes(score.max(axis=1), known_outcome=right, known_score=proven.max(axis=1))
        case "regression" | "quantile":
            return None
        case task:
            assert_never(task)


def _decided(spec: ModelSpec, score: Floats, reference: Reference) -> NDArray[np.bool_]:
    if spec.learner.task == "multiclass":
        return np.ones(len(score), dtype=np.bool_)
    threshold = 0.5 if reference.threshold is None else reference.threshold
    decided: NDArray[np.bool_] = score[:, 0] >= threshold
    return decided


def _realised(spec: ModelSpec, label: Floats, score: Floats, reference: Reference) -> dict[str, float | None]:
    """Return what came true of each estimate."""
    match spec.learner.task:
        case "binary":
            decided = _decided(spec, score, reference)
            return {
                "estimated_accuracy": float((decided == (label == 1)).mean()),
                "estimated_roc_auc": roc_auc(label, score[:, 0]).value,
                "estimated_log_loss": float(row_log_losses(label == 1, score[:, 0]).mean()),
            }
        case "multiclass":
            return {"estimated_accuracy": float((score.argmax(axis=1) == label).mean())}
        case "regression" | "quantile":
            return {}
        case task:
            assert_never(task)


def _kept(one: Measurement) -> Estimate | None:
    if one.value is None or one.low is None or one.high is None:
        return None
    return Estimate(value=one.value, low=one.low, high=one.high)


def _change(found: Sequence[Measurement], reference: Reference) -> Iterator[Measurement]:
    """Yield the expected change of the AUC since release, with the uncertainty of both."""
    area = next((one for one in found if one.metric == "estimated_roc_auc"), None)
    if area is None:
        return
    metric, then, error = "estimated_roc_auc_change", reference.headline, area.facts.get("standard_error")
    if area.value is None or then is None or reference.standard_error is None or not isinstance(error, float):
        reason = area.reason or "the release has no AUC with an uncertainty on its holdout to compare with"
        yield Measurement(metric=metric, value=None, n=area.n, reason=reason)
        return
    value, half = area.value - then, 1.96 * math.hypot(error, reference.standard_error)
    facts: dict[str, Fact] = {"estimated": area.value, "reference": then, "assumes": ASSUMED}
    yield Measurement(
        metric=metric, value=value, n=area.n, low=value - half, high=value + half, confidence=0.95, facts=facts
    )


def _coverage(kept: Mapping[str, Estimate], before: Sequence[MonitoringRecord]) -> Iterator[Measurement]:
    """Yield how often what came true lay in its estimate's interval, over all windows whose outcomes are known."""
    for metric in kept:
        told = [one for record in before if (one := record.estimates.get(metric)) is not None]
        due = [one for one in (*told, kept[metric]) if one.realised is not None]
        hits = sum(one.low <= (one.realised or 0.0) <= one.high for one in due)
        found = wilson(hits, len(due), metric="estimate_coverage", subject=metric)
        if due:
            off = [(one.realised or 0.0) - one.value for one in due]
            facts = {"mean_error": float(np.mean(off)), "last_error": off[-1], "promised": 0.95}
            found = dataclasses.replace(found, facts=facts)
        yield found
