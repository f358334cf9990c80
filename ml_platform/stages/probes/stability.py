"""Stability: whether explanations stay what they are under small noise, and in either half of the holdout."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.learners.lightgbm_native import contributions
from ml_platform.stages.robustness import NOISE, noisy_values
from ml_platform.stats.entities import entities
from ml_platform.stats.mean_interval import mean_interval

if TYPE_CHECKING:
    from ml_platform.stages.probes.contributed import Contributed
    from ml_platform.stages.probes.subject import Subject

STRONGEST = 3
HALVINGS = 200
CONFIDENCE = 0.95

Floats = NDArray[np.float64]


def measure_stability(subject: Subject, known: Contributed) -> Iterator[Measurement]:
    """Measure how much of a row's explanation survives noise, and how far two halves agree on what matters.

    The noise is that of the robustness measurements. Sources: Ghorbani, Abid and Zou 2019, Interpretation of neural
    networks is fragile, AAAI 33 (the overlap of the strongest features under perturbation).
    """
    yield _under_noise(subject, known)
    yield _between_halves(subject, known)


def _under_noise(subject: Subject, known: Contributed) -> Measurement:
    """Measure the share of each row's strongest features that are the strongest after noise, mean over rows."""
    rows = known.rows
    rng = np.random.default_rng(subject.spec.learner.seed)
    values = noisy_values(rows.matrix, subject.matrix.part_of("train"), rng)
    after = known.decided(contributions(rows.model_text, values, threads=rows.threads))
    kept = overlap(known.decided(known.found), after)
    found = mean_interval(kept, entity=rows.entity, metric="explanation_stability", unit="share")
    return dataclasses.replace(
        found,
        low=None if found.low is None else max(found.low, 0.0),
        high=None if found.high is None else min(found.high, 1.0),
        facts={"strongest_features": _count(after), "noise_of_standard_deviation": NOISE},
    )


def overlap(before: Floats, after: Floats) -> Floats:
    """Return for each row the share of its strongest features, three or all but one, that stay among them.

    Contributions have the shape (n, k). A row that nothing moves before and after keeps its explanation.

    >>> overlap(np.array([[3.0, 2.0, 1.0, -9.0, 0.0]]), np.array([[3.0, 2.0, 0.0, 9.0, 1.0]])).tolist()
    [1.0]
    """
    count = _count(before)
    stay = _strongest(before, count) & _strongest(after, count)
    shares: Floats = stay.sum(axis=1) / count
    return np.where(before.any(axis=1) | after.any(axis=1), shares, 1.0)


def _strongest(found: Floats, count: int) -> NDArray[np.bool_]:
    places = np.argsort(-np.abs(found), axis=1, kind="stable")[:, :count]
    chosen = np.zeros(found.shape, dtype=np.bool_)
    np.put_along_axis(chosen, places, values=True, axis=1)
    return chosen


def _count(found: Floats) -> int:
    """Return how many features count as the strongest: three, fewer where three would be all."""
    return min(STRONGEST, max(1, int(found.shape[1]) - 1))


def _between_halves(subject: Subject, known: Contributed) -> Measurement:
    """Measure the part of importance that two random halves give to the same features; the bounds hold 95 % of halves.

    Whole entities go into one half. It is 1 less the total variation distance of the halves' shares.
    """
    sizes, metric = known.sizes, "importance_agreement"
    units = entities(known.rows.entity, known.rows.matrix.target)
    codes = np.arange(len(sizes)) if units.codes is None else units.codes
    sums = np.zeros((int(codes.max()) + 1, sizes.shape[1]))
    np.add.at(sums, codes, sizes)
    reason = "no feature moves a score" if not sums.any() else ""
    if len(sums) < 2:
        reason = "all rows belong together: there are no two halves"
    if reason:
        return Measurement(metric=metric, value=None, n=len(sizes), unit="share", reason=reason)
    rng = np.random.default_rng(subject.spec.learner.seed)
    shuffled = rng.permuted(np.tile(np.arange(len(sums)) < len(sums) // 2, (HALVINGS, 1)), axis=1)
    first = np.einsum("he,ek->hk", shuffled.astype(np.float64), sums)  # not BLAS, whose digits depend on its threads
    second = sums.sum(axis=0) - first
    agreed = np.minimum(_shares(first), _shares(second)).sum(axis=1)
    low, high = np.quantile(agreed, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Measurement(
        metric=metric, value=float(agreed.mean()), n=len(sizes), low=float(low), high=float(high),
        confidence=CONFIDENCE, unit="share", facts={"halvings": HALVINGS, "units": len(sums)},
    )  # fmt: skip


def _shares(sums: Floats) -> Floats:
    totals = sums.sum(axis=1, keepdims=True)
    shares: Floats = sums / np.where(totals > 0, totals, 1.0)
    return shares
