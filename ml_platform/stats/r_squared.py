"""R squared: the share of the outcome's variance that predictions explain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import Compared, compared
from ml_platform.stats.confidence import t_value
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.satterthwaite import satterthwaite

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Floats

LARGEST_LOG = 700.0


def r_squared(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return 1 - (sum of squared errors) / (sum of squared distances of the outcome from its mean).

    Both hold finite numbers, shape (n,). Below 0 the mean would predict better. The interval is Student's for the
    logarithm of the unexplained share, from the infinitesimal jackknife, with `entity` by entities, at Satterthwaite's
    degrees of freedom; predictions without an error have a value but no interval. It says nothing of an error that
    grows together with the outcome's spread: look at the error and the bias too. Undefined without rows, for a constant
    outcome, and with values that aren't finite. ValueError when lengths differ. Fact: standard_error. Sources: Kvålseth
    1985, Am. Stat. 39; Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, ch. 6; Satterthwaite 1946,
    Biometrics Bull. 2.

    >>> r_squared([1.0, 2.0, 4.0, 5.0], [1.5, 2.0, 3.0, 5.5]).text()
    'r_squared = 0.85 [-0.7168, 0.9869] (n = 4)'
    """
    rows = compared(y_true, y_pred, entity)
    n = rows.true.size
    reason = rows.flaw or ("" if np.ptp(rows.true) > 0 and _distances(rows).sum() > 0 else "the outcome is constant")
    if reason:
        return Measurement(metric="r_squared", value=None, n=n, subject=subject, reason=reason)
    value, influence = _value_and_influence(rows)
    variance = influence_variance(influence, rows.units)
    error = None if variance is None else math.sqrt(variance)
    low, high = _bounds(value, error, t_value(confidence, max(satterthwaite(influence, rows.units), 1.0)))
    return Measurement(
        metric="r_squared",
        value=value,
        n=n,
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        facts={"standard_error": error},
    )


def _bounds(value: float, error: float | None, edge: float) -> tuple[float | None, float | None]:
    """Return the bounds that the logarithm of 1 - value has, moved back."""
    unexplained = 1 - value
    if error is None or not unexplained > 0:
        return None, None
    factor = math.exp(min(edge * error / unexplained, LARGEST_LOG))
    return 1 - unexplained * factor, 1 - unexplained / factor


def _value_and_influence(rows: Compared) -> tuple[float, Floats]:
    errors = np.square(rows.other - rows.true)
    distances = _distances(rows)
    unexplained = errors.sum() / distances.sum()
    return float(1 - unexplained), (unexplained * distances - errors) / distances.sum()


def _distances(rows: Compared) -> Floats:
    distances: Floats = np.square(rows.true - rows.true.mean())
    return distances
