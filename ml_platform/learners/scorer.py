"""Scorer: the one way from trees to scores, calibration included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.learners.calibration import Calibration, calibrate
from ml_platform.learners.lightgbm_native import predict
from ml_platform.learners.workers import HERE, Workers

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model's trees as text and what calibrates them, if anything does."""

    model_text: str
    calibration: Calibration | None = None

    def score(self, values: Floats, *, threads: int = 1, workers: Workers = HERE) -> Floats:
        """Return the score of each row, shape (n,), or (n, K) for multiclass; threads and workers change no digit.

        The probability of the positive class (binary) or of each class in the order of their codes (multiclass), both
        calibrated when the model is; otherwise the number or quantile predicted.
        """
        blocks = [block for block in np.array_split(values, workers.count) if len(block)] or [values]
        found = workers.each("scoring", _predicted, blocks, self.model_text, workers.threads or threads)
        return calibrate(self.calibration, np.concatenate(found))


def _predicted(values: Floats, model_text: str, threads: int) -> Floats:
    return predict(model_text, values, threads=threads)
