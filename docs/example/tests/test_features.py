"""What is promised of the features of an order; a release runs these."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml_platform.defs.returns.features import fit, transform


def columns(**given: list[float]) -> dict[str, NDArray[np.float64]]:
    """Return columns of orders, missing where nothing is said."""
    rows = len(next(iter(given.values())))
    names = ("amount", "items", "channel", "discount", "first_order")
    return {name: np.array(given.get(name, [np.nan] * rows)) for name in names}


def test_the_usual_amount_is_the_middle_one_of_those_that_are_known() -> None:
    assert fit(columns(amount=[10.0, np.nan, 30.0, 500.0])) == {"usual_amount": 30.0}


def test_the_price_is_that_of_one_item() -> None:
    order = transform(columns(amount=[90.0], items=[3.0]), {"usual_amount": 30.0})
    assert (order["price_per_item"], order["amount_to_usual"]) == (30.0, 3.0)
