"""Top-label calibration error: whether the most probable class is right as often as its probability promises."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.classes import class_scores
from ml_platform.stats.expected_calibration_error import expected_calibration_error

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "top_label_calibration_error"


def top_label_calibration_error(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    bins: int = 15,
    entity: ArrayLike | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the expected calibration error of the most probable class's probability against its being right.

    `y_true` holds class numbers from 0, shape (n,), `y_score` probabilities, shape (n, classes); noise is taken off and
    bounds are found as for two classes. Undefined without rows and with scores that are no probabilities. ValueError
    for other shapes. Facts: plain, bins. Sources: Guo et al. 2017, On Calibration of Modern Neural Networks, ICML;
    Kumar et al. 2019, Verified Uncertainty Calibration, NeurIPS 32.

    >>> y, score = np.repeat([0, 1, 0, 1], [80, 20, 40, 60]), np.repeat([[0.9, 0.1], [0.1, 0.9]], 100, axis=0)
    >>> top_label_calibration_error(y, score).text()
    'top_label_calibration_error = 0.2024 [0.1391, 0.2643] (n = 200)'
    """
    rows = class_scores(y_true, y_score, entity)
    if rows.flaw:
        return Measurement(metric=METRIC, value=None, n=rows.n, subject=subject, reason=rows.flaw)
    top = rows.score.argmax(axis=1)
    promised = np.clip(rows.score[np.arange(rows.n), top], 0.0, 1.0)
    found = expected_calibration_error(
        top == rows.true, promised, bins=bins, entity=entity, seed=seed, confidence=confidence, subject=subject
    )
    return dataclasses.replace(found, metric=METRIC)
