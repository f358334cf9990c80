"""Logit interval: bounds of a value in (0, 1) that can't leave it."""

from __future__ import annotations

import math

from ml_platform.stats.confidence import t_value, z_value


def logit_interval(
    value: float, standard_error: float | None, *, freedom: float = math.inf, confidence: float = 0.95
) -> tuple[float | None, float | None]:
    """Return bounds computed on the logit scale; (None, None) without a standard error and at 0 or 1.

    They are normal, or Student's where the standard error has but so many degrees of `freedom`.
    Source: Pepe 2003, The Statistical Evaluation of Medical Tests for Classification and Prediction, ch. 5.

    >>> [round(bound, 4) for bound in logit_interval(0.9, 0.03)]
    [0.824, 0.9453]
    """
    edge = t_value(confidence, freedom) if math.isfinite(freedom) else z_value(confidence)
    if standard_error is None or not 0 < value < 1:
        return None, None
    centre = math.log(value / (1 - value))
    half = edge * standard_error / (value * (1 - value))
    return _expit(centre - half), _expit(centre + half)


def _expit(logit: float) -> float:
    return 0.5 * (1 + math.tanh(logit / 2))
