"""Recalibration: one coefficient of a logistic fit of outcomes to the logits of their scores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.confidence import z_value
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.logistic_fit import LogisticFit, logistic_fit

if TYPE_CHECKING:
    from ml_platform.stats.columns import Floats
    from ml_platform.stats.scored import Scored

EDGE = 1e-6


def logits(probability: Floats) -> Floats:
    """Return log(p / (1 - p)) of each probability, those beyond 1e-6 from 0 or 1 moved there; NaN stays NaN.

    >>> logits(np.array([0.5, 1.0])).round(2).tolist()
    [0.0, 13.82]
    """
    inside = np.clip(probability, EDGE, 1 - EDGE)
    odds: Floats = np.log(inside / (1 - inside))
    return odds


def recalibrated(
    rows: Scored, design: Floats, *, start: Floats, offset: Floats, metric: str, confidence: float, subject: str
) -> Measurement:
    """Return the first coefficient with Wald's interval; undefined for flawed rows, one class, or no finite fit."""
    z = z_value(confidence)
    reason, fit = rows.flaw or rows.one_class, None
    if not reason:
        fit = logistic_fit(design, rows.positive, start, offset)
        reason = "" if fit else "no finite fit: the score is constant or separates the classes"
    if fit is None:
        return Measurement(metric=metric, value=None, n=rows.n, subject=subject, reason=reason)
    value, error = float(fit.coefficients[0]), _standard_error(fit, rows)
    half = None if error is None else z * error
    return Measurement(
        metric=metric,
        value=value,
        n=rows.n,
        low=None if half is None else value - half,
        high=None if half is None else value + half,
        confidence=confidence,
        subject=subject,
        facts={
            "standard_error": error,
            "clipped": int(((rows.score < EDGE) | (rows.score > 1 - EDGE)).sum()),
        },
    )


def _standard_error(fit: LogisticFit, rows: Scored) -> float | None:
    """Return the model's error, or with entities the sandwich's."""
    if rows.units.codes is None:
        return math.sqrt(fit.covariance[0, 0])
    variance = influence_variance(fit.influence[:, 0], rows.units)
    return None if variance is None else math.sqrt(variance)
