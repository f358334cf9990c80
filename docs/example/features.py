"""Features of an order: the same code for training and, one row at a time, for the scoring service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.float64]]


def fit(columns: Columns) -> dict[str, Any]:
    """Learn the usual amount of an order, from the training rows only."""
    return {"usual_amount": float(np.nanmedian(columns["amount"]))}


def transform(columns: Columns, state: Mapping[str, Any]) -> Columns:
    """Return the features, each as long as the columns that came in; NaN is a missing value."""
    return {
        "channel": columns["channel"],
        "first_order": columns["first_order"],
        "discount": columns["discount"],
        "price_per_item": columns["amount"] / columns["items"],
        "amount_to_usual": columns["amount"] / state["usual_amount"],
    }
