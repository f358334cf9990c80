"""Draw classes: which class is taken for which, and whether the decided one is right as often as it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.curves import ClassCurves
from ml_platform.stages.curves import calibration_bins

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.scored_part import ScoredPart


def draw_classes(
    spec: ModelSpec, holdout: ScoredPart, importance: Mapping[str, float], _: NDArray[np.float64] | None
) -> ClassCurves:
    """Compute the curves of several classes."""
    size = len(spec.classes)
    decided, true = holdout.score.argmax(axis=1), holdout.target.astype(np.intp)
    counts = np.bincount(true * size + decided, minlength=size * size).reshape(size, size)
    right = (decided == true).astype(np.float64)
    return ClassCurves(
        classes=spec.classes,
        confusion=tuple(tuple(row) for row in counts.tolist()),
        calibration=calibration_bins(holdout.score.max(axis=1), right, holdout.entity),
        importance=importance,
    )
