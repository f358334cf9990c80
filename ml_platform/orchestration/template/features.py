"""Features of MODEL_NAME: the same code for training and, one row at a time, for the scoring service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.float64]]

# If the source has several tables, write `assemble` too: it takes a mapping from a table's name to its pandas frame
# and returns the one frame that the contract describes.


def fit(columns: Columns) -> dict[str, Any]:
    """Learn, from the training rows only, whatever the features need; a dict that JSON can hold."""
    return {"middle": float(np.nanmedian(columns["amount"]))}


def transform(columns: Columns, state: Mapping[str, Any]) -> Columns:
    """Return the features, each an array of the rows' length; NaN is a missing value.

    Numbers come as they are, categories as the number of their level, booleans as 0 and 1, times as seconds.
    """
    return {
        "amount": columns["amount"],
        "amount_to_middle": columns["amount"] / max(state["middle"], 1e-9),
        "channel": columns["channel"],
    }
