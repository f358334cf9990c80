"""A features module for tests: hands columns on, adds a weekday and what a fit learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.float64]]


def fit(columns: Columns) -> dict[str, Any]:
    return {"mean_weight": float(np.nanmean(columns["weight"])), "newest": float(columns["sent"].max())}


def transform(columns: Columns, state: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    return {
        **{name: columns[name] for name in ("weight", "pieces", "site", "carrier", "express")},
        "weekday": np.floor(columns["sent"] / 86400.0 + 3.0) % 7.0,
        "heavier": columns["weight"] - state["mean_weight"],
    }
