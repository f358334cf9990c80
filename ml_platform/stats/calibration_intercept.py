"""Calibration intercept: are the probabilities too high (below 0) or too low (above 0) as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.recalibration import logits, recalibrated
from ml_platform.stats.scored import probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def calibration_intercept(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the a of logit P(outcome) = a + logit(score), the slope held at 1, with Wald's interval; 0 is perfect.

    This is calibration in the large. `y_true` holds 0/1, `y_score` probabilities of 1, both of shape (n,). With
    `entity` the standard error is cluster-robust. Scores nearer than 1e-6 to 0 or 1 are moved there (fact `clipped`).
    Undefined with one class and with scores outside [0, 1]. ValueError when lengths differ. Facts: standard_error,
    clipped. Sources: Cox 1958, Biometrika 45; Van Calster et al. 2019, BMC Med. 17.

    >>> calibration_intercept([0, 0, 1, 0, 1, 1], [0.1, 0.3, 0.4, 0.6, 0.7, 0.9]).text()
    'calibration_intercept = 0 [-1.886, 1.886] (n = 6)'
    """
    rows = probabilities(y_true, y_score, entity)
    return recalibrated(
        rows,
        np.ones((rows.n, 1)),
        start=np.zeros(1),
        offset=logits(rows.score),
        metric="calibration_intercept",
        confidence=confidence,
        subject=subject,
    )
