"""Learn ranges: between which numbers the training rows lie, for the guard of the scoring service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.encode import Columns


def learn_ranges(spec: ModelSpec, inputs_train: Columns) -> dict[str, tuple[float, float]]:
    """Return the least and the greatest value of every numeric input among the training rows, if it has any there."""
    numbers = {name: inputs_train[name] for name in spec.inputs if spec.contract[name].type in {"integer", "number"}}
    present = {name: values[np.isfinite(values)] for name, values in numbers.items()}
    return {name: (float(values.min()), float(values.max())) for name, values in present.items() if values.size}
