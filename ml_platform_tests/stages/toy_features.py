"""A features module for tests: hands its columns on, with one sum of two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.float64]]


def transform(columns: Columns, state: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    return {**columns, "both": columns["load"] + columns["wind"] * float(state.get("weight", 1.0))}
