"""Fit the guard: what the service needs to know which rows are unlike the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.core.input_guard import InputGuard
from ml_platform.learners.histograms import fit_detector

if TYPE_CHECKING:
    from ml_platform.core.input_guard import Detector
    from ml_platform.policy.guard import Guard
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix


def fit_guard(spec: ModelSpec, matrix: Matrix, state: Mapping[str, Any]) -> InputGuard | None:
    """Return the guard that the model file asks for, None when it asks for none; learned of training rows alone.

    Raises DataInvalid when the features were built before there was a guard, and when the calibration rows are too few
    to tell which rows are as rare as the model file says.
    """
    if spec.guard is None:
        return None
    if "ranges" not in state:
        message = (
            f"{spec.model}: guard: the features were built without one, so the training rows' ranges aren't known; "
            "they have to be learned with the features; materialise `features` again"
        )
        raise DataInvalid(message)
    return InputGuard(
        out_of_contract=spec.guard.out_of_contract,
        out_of_range=spec.guard.out_of_range,
        unseen_level=spec.guard.unseen_level,
        ranges={name: (float(low), float(high)) for name, (low, high) in state["ranges"].items()},
        detector=_detector(spec.model, spec.guard, matrix),
    )


def _detector(model: str, guard: Guard, matrix: Matrix) -> Detector | None:
    if guard.out_of_distribution == "ignore":
        return None
    try:
        return fit_detector(
            matrix.part_of("train").values,
            matrix.part_of("calibration").values,
            categorical=np.array([name in matrix.categorical for name in matrix.names], dtype=np.bool_),
            flagged_share=guard.flagged_share,
        )
    except DataInvalid as error:
        raise DataInvalid(f"{model}: {error}") from error
