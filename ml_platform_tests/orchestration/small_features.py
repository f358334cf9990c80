"""The features of the small model of these tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.float64]]


def fit(columns: Columns) -> dict[str, Any]:
    return {"middle": float(np.nanmedian(columns["weight"]))}


def transform(columns: Columns, state: Mapping[str, Any]) -> Columns:
    return {
        "weight": columns["weight"],
        "over_middle": columns["weight"] - state["middle"],
        "distance": columns["distance"],
        "carrier": columns["carrier"],
    }
