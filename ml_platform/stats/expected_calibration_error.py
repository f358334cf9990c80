"""Expected calibration error: how far probabilities are from the frequencies they promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Floats
from ml_platform.stats.confidence import z_value
from ml_platform.stats.histogram_edges import histogram_edges
from ml_platform.stats.scored import Scored, probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "expected_calibration_error"
REPETITIONS = 1000
HALVINGS = 30
FEWEST_PER_BIN = 20


def expected_calibration_error(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    bins: int = 15,
    entity: ArrayLike | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean over rows of the bin's |mean probability - observed rate|, with the noise taken off.

    `y_true` holds 0/1, `y_score` probabilities of 1, both of shape (n,); bins hold equally many rows, and
    are fewer where they would hold less than 20 independent ones. The plain error
    (fact `plain`) is above 0 even for a perfect model. The value is the true error whose plain error, Student's noise
    added (`seed`; rows of one entity together), has its median where the plain error was seen; for a perfect model
    that is 0 half of the time. The bounds invert tests in the same way: the lower with gaps shaped as seen, the upper
    with equal gaps, which is the careful choice for either. Undefined without rows and with scores outside [0, 1]; one
    row or entity has no interval. ValueError when lengths differ. Facts: plain, bins. Sources: Kumar et al. 2019,
    Verified Uncertainty Calibration, NeurIPS 32 (the plain error's bias); Casella and Berger 2002, Statistical
    Inference, section 9.2.1 (inverting a test).

    >>> y, score = np.repeat([0, 1, 0, 1], [80, 20, 40, 60]), np.repeat([0.1, 0.9], 100)
    >>> expected_calibration_error(y, score).text()
    'expected_calibration_error = 0.2009 [0.1387, 0.2646] (n = 200)'
    """
    z_value(confidence)
    rows = probabilities(y_true, y_score, entity)
    if rows.flaw:
        return Measurement(metric=METRIC, value=None, n=rows.n, subject=subject, reason=rows.flaw)
    gaps = _gaps(rows, bins, seed)
    shape, even, tail = np.abs(gaps.gap), np.full(gaps.gap.size, gaps.plain), (1 - confidence) / 2
    value = gaps.error_at(0.5, shape)
    known = (rows.units.count() or rows.n) > 1
    return Measurement(
        metric=METRIC,
        value=value,
        n=rows.n,
        low=gaps.error_at(1 - tail, shape) if known else None,
        high=max(value, gaps.error_at(tail, even)) if known else None,
        confidence=confidence,
        subject=subject,
        facts={"plain": gaps.plain, "bins": gaps.gap.size},
    )


@dataclass(frozen=True, slots=True)
class _Gaps:
    """The bins' mean probability - observed rate, their share of the rows, and noise drawn for them."""

    gap: Floats
    weight: Floats
    noise: Floats

    @property
    def plain(self) -> float:
        """The error as seen, noise included."""
        return float(np.abs(self.gap) @ self.weight)

    def error_at(self, quantile: float, shape: Floats) -> float:
        """Return the error of gaps of a shape, scaled so that the plain error lies at a quantile of what they give."""

        def given(scale: float) -> float:
            return float(np.quantile(np.abs(scale * shape + self.noise) @ self.weight, quantile))

        low, high = 0.0, 1.0
        if given(low) >= self.plain:
            return 0.0
        while given(high) < self.plain:
            high *= 2
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if given(middle) < self.plain else (low, middle)
        return high * float(shape @ self.weight)


def _gaps(rows: Scored, bins: int, seed: int) -> _Gaps:
    enough = max((rows.units.count() or rows.n) // FEWEST_PER_BIN, 2)
    place = np.searchsorted(histogram_edges(rows.score, min(bins, enough)), rows.score, side="right")
    _, place = np.unique(place, return_inverse=True)
    size = np.bincount(place)
    residual = rows.score - rows.positive
    gap = np.bincount(place, weights=residual) / size
    influence = (residual - gap[place]) / size[place]
    units = np.arange(rows.n) if rows.units.codes is None else rows.units.codes
    _, units = np.unique(units, return_inverse=True)
    sums = np.bincount(units * size.size + place, weights=influence, minlength=(int(units.max()) + 1) * size.size)
    sums = sums.reshape(-1, size.size)
    held = np.bincount(units * size.size + place, minlength=sums.size).reshape(sums.shape)
    members = (held > 0).sum(axis=0)
    freedom = np.maximum(members - 1, 1)
    sums = sums * np.sqrt(members / freedom)
    nothing, rng = np.zeros(size.size), np.random.default_rng(seed)
    noise = rng.multivariate_normal(nothing, sums.T @ sums, REPETITIONS, method="eigh")
    noise /= np.sqrt(rng.chisquare(freedom, noise.shape) / freedom)
    return _Gaps(gap, size / rows.n, noise)
