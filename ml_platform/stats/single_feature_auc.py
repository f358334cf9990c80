"""Single-feature AUC: how well one column alone ranks the outcome; near 1 it usually knows the answer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import (
    Codes,
    Flags,
    Floats,
    column,
    flaw_of_flags,
    is_numeric,
    numbers,
    require_same_length,
)
from ml_platform.stats.delong import area
from ml_platform.stats.entities import Entities
from ml_platform.stats.levels import levels
from ml_platform.stats.missing_share import missing_rows
from ml_platform.stats.roc_auc import roc_auc_of
from ml_platform.stats.scored import Scored

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

METRIC = "single_feature_auc"


def single_feature_auc(feature: ArrayLike, y: ArrayLike, *, confidence: float = 0.95, subject: str = "") -> Measurement:
    """Return the best ROC AUC that a feature reaches alone, in either direction, with DeLong's interval.

    `feature`, shape (n,), is numeric or a category; `y` holds 0/1, shape (n,). Missing numbers are tried as the least
    and as the greatest value. A category's level is scored by the outcome's rate among the rows of the other half of
    the table (even and odd rows take turns), so that an identifier doesn't look like an oracle. Being the best of
    several, the value is at least 0.5 for a number; a constant gives nothing away and is exactly at 0.5, as chance.
    Undefined without rows, with one class, for categories that never come twice, and with an outcome other than 0 and
    1. ValueError when lengths differ. Facts: missing; constant, where it is. Source: DeLong et al. 1988, Biometrics 44.

    >>> single_feature_auc([5, 4, None, 2, 1, None], [0, 0, 0, 1, 1, 0]).text()
    'single_feature_auc = 1 [0.3424, 1] (n = 6)'
    """
    values, outcome = column(feature, "feature"), numbers(y, "y")
    require_same_length(feature=values, y=outcome)
    flaw = flaw_of_flags(y=outcome)
    if flaw:
        return Measurement(metric=METRIC, value=None, n=outcome.size, subject=subject, reason=flaw)
    positive, missing = outcome == 1, missing_rows(values, "feature")
    score = _ranks(values, positive, missing) if is_numeric(values) else _rates(levels(values).codes, positive)
    rows = Scored(positive, score, Entities(), "")
    if not rows.one_class and score.min() == score.max():
        return _unranked(values, missing, confidence=confidence, subject=subject)
    if rows.one_class:
        return Measurement(metric=METRIC, value=None, n=outcome.size, subject=subject, reason=rows.one_class)
    found = roc_auc_of(rows, metric=METRIC, confidence=confidence, subject=subject)
    return dataclasses.replace(found, facts={**found.facts, "missing": int(missing.sum())})


def _unranked(values: NDArray[np.generic], missing: Flags, *, confidence: float, subject: str) -> Measurement:
    """Return chance for a constant; categories that are all different may know everything, and nobody can tell."""
    facts = {"missing": int(missing.sum()), "constant": True}
    if levels(values).codes.max() > 0:
        reason = "no category comes twice in both halves of the rows, so that none can be ranked"
        return Measurement(metric=METRIC, value=None, n=values.size, subject=subject, reason=reason)
    return Measurement(
        metric=METRIC, value=0.5, low=0.5, high=0.5, n=values.size, confidence=confidence, subject=subject, facts=facts,
        reason="the feature is constant: it ranks as chance does",
    )  # fmt: skip


def _ranks(values: NDArray[np.generic], positive: Flags, missing: Flags) -> Floats:
    """Return the values' ranks, up or down and the missing ones last or first, whichever ranks the outcome best."""
    _, rank = np.unique(values, return_inverse=True)
    up: Floats = rank.astype(np.float64)
    if positive.all() or not positive.any():
        return up
    orders: list[Floats] = [up, np.where(missing, -1.0, up)] if missing.any() else [up]
    areas = [area(positive, order) for order in orders]
    best = max(range(len(areas)), key=lambda place: abs(areas[place] - 0.5))
    return orders[best] if areas[best] >= 0.5 else -orders[best]


def _rates(codes: Codes, positive: Flags) -> Floats:
    """Return for each row the smoothed rate of its level among the rows of the other half; one level has one rate."""
    size = int(codes.max()) + 1
    if size == 1:
        return np.zeros(codes.size)
    scores, even = np.empty(codes.size), np.arange(codes.size) % 2 == 0
    overall = float(positive.mean())
    for rows in (even, ~even):
        seen = np.bincount(codes[~rows], minlength=size)
        hits = np.bincount(codes[~rows], weights=positive[~rows], minlength=size)
        scores[rows] = ((hits + overall) / (seen + 1))[codes[rows]]
    return scores
