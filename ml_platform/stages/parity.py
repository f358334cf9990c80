"""Parity: one request row alone gives the features that the same row got in the batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stages.encode import input_columns, row_encoder
from ml_platform.stages.request_rows import request_rows

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.features_module import FeaturesModule
    from ml_platform.stages.matrix import Matrix

METRIC = "parity_largest_difference"
ROWS = 200


def parity_largest_difference(
    spec: ModelSpec, module: FeaturesModule, state: Mapping[str, Any], *, frame: pd.DataFrame, matrix: Matrix
) -> Measurement:
    """Return the largest absolute difference over sampled rows between the batch and the service's one-row path.

    Rows go the whole way: as request rows, encoded and transformed one by one. Missing equals missing; a value that
    is missing on one side only makes the difference infinite, which is undefined and says so.
    """
    places = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), ROWS)).astype(np.intp))
    encode = row_encoder(input_columns(spec), state["levels"])
    largest = 0.0
    for place, row in zip(places, request_rows(spec, frame.iloc[places]), strict=True):
        alone = module.transform(encode([row]), state["fitted"])
        values = np.array([float(alone[name][0]) for name in matrix.names])
        largest = max(largest, _difference(values, matrix.values[place]))
    reason = "" if np.isfinite(largest) else "a feature is missing on one path only"
    return Measurement(metric=METRIC, value=largest, n=places.size, reason=reason)


def _difference(alone: np.ndarray, batch: np.ndarray) -> float:
    if (np.isnan(alone) != np.isnan(batch)).any():
        return float("inf")
    with np.errstate(invalid="ignore"):
        gaps = np.where(np.isnan(batch) | (alone == batch), 0.0, np.abs(alone - batch))
    return float(gaps.max(initial=0.0))
