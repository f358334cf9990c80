"""Logistic fit: the few coefficients of a recalibration, by Newton steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml_platform.stats.columns import Flags, Floats

CLOSE = 1e-9
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """Coefficients, their covariance under the model, and how much each row moves them (shape (n, k))."""

    coefficients: Floats
    covariance: Floats
    influence: Floats


def logistic_fit(
    design: Floats, positive: Flags, start: Floats, offset: Floats, *, steps: int = 50
) -> LogisticFit | None:
    """Fit P(positive) = 1 / (1 + exp(-(offset + design @ coefficients))) by maximum likelihood.

    `design` has the shape (n, k), `positive` and `offset` (n,), `start` (k,). None where no finite maximum exists (the
    design separates the classes, or its columns depend on one another) or none is found in so many steps. Source:
    McCullagh and Nelder 1989, Generalized Linear Models, ch. 4.

    >>> positive = np.array([True, False, True, True])
    >>> fit = logistic_fit(np.ones((4, 1)), positive, np.zeros(1), np.zeros(4))
    >>> round(float(fit.coefficients[0]), 6) == round(float(np.log(3)), 6)
    True
    """
    current = start
    for _ in range(steps):
        rate = _expit(offset + design @ current)
        residual = positive - rate
        information = (design * (rate * (1 - rate))[:, None]).T @ design
        covariance = _inverse(information)
        if covariance is None:
            return None
        step = covariance @ (design.T @ residual)
        if np.abs(step).max() < CLOSE:
            return LogisticFit(current, covariance, (design * residual[:, None]) @ covariance)
        current = _downhill(design, positive, offset, current, step)
    return None


def _downhill(design: Floats, positive: Flags, offset: Floats, current: Floats, step: Floats) -> Floats:
    """Take the step, halved until the loss doesn't rise; that ends, as a Newton step points downhill."""
    sign = np.where(positive, -1.0, 1.0)

    def loss(coefficients: Floats) -> float:
        return float(np.logaddexp(0, sign * (offset + design @ coefficients)).sum())

    ceiling = loss(current) * (1 + ROUNDING)
    while loss(current + step) > ceiling:
        step = step / 2
    return current + step


def _inverse(information: Floats) -> Floats | None:
    if not np.isfinite(information).all() or np.linalg.cond(information) > 1 / np.finfo(np.float64).eps:
        return None
    return np.linalg.inv(information).astype(np.float64)


def _expit(logit: Floats) -> Floats:
    rate: Floats = 0.5 * (1 + np.tanh(logit / 2))
    return rate
