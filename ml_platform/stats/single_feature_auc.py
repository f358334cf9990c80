"""Single-feature AUC: how well one column alone ranks the outcome; near 1 it usually knows the answer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Flags, Floats, column, flaw_of_flags, is_numeric, numbers, require_same_length
from ml_platform.stats.entities import Entities
from ml_platform.stats.levels import levels
from ml_platform.stats.roc_auc import roc_auc_of
from ml_platform.stats.scored import Scored

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "single_feature_auc"


def single_feature_auc(feature: ArrayLike, y: ArrayLike, *, confidence: float = 0.95, subject: str = "") -> Measurement:
    """Return the best ROC AUC that a feature reaches alone, in either direction, with DeLong's interval.

    `feature`, shape (n,), is numeric or a category; `y` holds 0/1, shape (n,). Missing numbers are tried as the least
    and as the greatest value. A category's level is scored by the outcome's rate among the rows of the other half of
    the table (even and odd rows take turns), so that an identifier doesn't look like an oracle. Being the best of
    several, the value is at least 0.5 for a number. Undefined without rows, with one class, for a constant feature,
    and with an outcome other than 0 and 1. ValueError when lengths differ. Fact: missing. Source: DeLong et al. 1988,
    Biometrics 44.

    >>> single_feature_auc([5, 4, None, 2, 1, None], [0, 0, 0, 1, 1, 0]).text()
    'single_feature_auc = 1 [0.3424, 1] (n = 6)'
    """
    values, outcome = column(feature, "feature"), numbers(y, "y")
    require_same_length(feature=values, y=outcome)
    found = levels(values, "feature")
    reason = flaw_of_flags(y=outcome) or ("" if len(found.names) > 1 else "the feature is constant: it ranks nothing")
    if reason:
        return Measurement(metric=METRIC, value=None, n=outcome.size, subject=subject, reason=reason)
    positive = outcome == 1
    numeric = is_numeric(values)
    scores = _orders(numbers(values, "feature")) if numeric else [_rates(found.codes, positive)]
    tried = [
        roc_auc_of(Scored(positive, score, Entities(), ""), metric=METRIC, confidence=confidence, subject=subject)
        for score in scores
    ]
    best = max(tried, key=lambda one: one.value or 0.0)
    return dataclasses.replace(best, facts={**best.facts, "missing": found.missing})


def _orders(values: Floats) -> list[Floats]:
    """Return every order worth trying: up and down, with the missing values at either end."""
    missing = np.isnan(values)
    finite = np.clip(values, -np.finfo(np.float64).max / 2, np.finfo(np.float64).max / 2)
    ends = (-np.finfo(np.float64).max, np.finfo(np.float64).max) if missing.any() else (0.0,)
    filled = [np.where(missing, end, finite) for end in ends]
    return [sign * score for score in filled for sign in (1.0, -1.0)]


def _rates(codes: np.ndarray, positive: Flags) -> Floats:
    """Return for each row the smoothed rate of its level among the rows of the other half."""
    scores = np.empty(codes.size)
    half = np.arange(codes.size) % 2 == 0
    overall = float(positive.mean())
    for rows in (half, ~half):
        size = int(codes.max()) + 1
        seen = np.bincount(codes[~rows], minlength=size)
        hits = np.bincount(codes[~rows], weights=positive[~rows], minlength=size)
        scores[rows] = ((hits + overall) / (seen + 1))[codes[rows]]
    return scores
