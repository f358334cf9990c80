"""Encode target: outcomes as the numbers that a learner is told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec


def encode_target(spec: ModelSpec, values: pd.Series) -> NDArray[np.float64]:
    """Return the outcomes as float64, shape (n,): 0 or 1, a class's place among the declared levels, or the number.

    What is missing is NaN.
    """
    if spec.learner.task != "multiclass":
        return values.to_numpy(dtype=np.float64, na_value=math.nan)
    code_of = {level: float(code) for code, level in enumerate(spec.classes)}
    codes = np.array([*(code_of.get(str(level), math.nan) for level in values.cat.categories), math.nan])
    found: NDArray[np.float64] = codes[values.cat.codes.to_numpy()]
    return found
