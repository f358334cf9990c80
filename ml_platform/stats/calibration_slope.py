"""Calibration slope: are the probabilities too extreme (below 1) or too timid (above 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.recalibration import logits, recalibrated
from ml_platform.stats.scored import probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def calibration_slope(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the slope b of logit P(outcome) = a + b logit(score), with Wald's interval; 1 is perfect.

    `y_true` holds 0/1, `y_score` probabilities of 1, both of shape (n,). With `entity` the standard error is
    cluster-robust. Scores nearer than 1e-6 to 0 or 1 are moved there (fact `clipped`). Undefined with one class, a
    constant score, classes that the score separates, and scores outside [0, 1]. ValueError when lengths differ.
    Facts: standard_error, clipped. Sources: Cox 1958, Biometrika 45; Van Calster et al. 2019, BMC Med. 17.

    >>> calibration_slope([0, 0, 1, 0, 1, 1], [0.1, 0.3, 0.4, 0.6, 0.7, 0.9]).text()
    'calibration_slope = 1.505 [-0.9274, 3.937] (n = 6)'
    """
    rows = probabilities(y_true, y_score, entity)
    design = np.column_stack([logits(rows.score), np.ones(rows.n)])
    return recalibrated(
        rows,
        design,
        start=np.array([1.0, 0.0]),
        offset=np.zeros(rows.n),
        metric="calibration_slope",
        confidence=confidence,
        subject=subject,
    )
