"""A made table of parcels whose columns depend on each other, and faults planted in it."""

from __future__ import annotations

import numpy as np
import pandas as pd

CITIES = np.array(["Amsterdam", "Bergen", "Cordoba", "Dresden", "Esbjerg"], dtype=object)
KILOMETRES = np.array([120.0, 940.5, 1710.25, 610.0, 430.75])


def parcels(rows: int, seed: int) -> pd.DataFrame:
    """Return parcels: a city that decides the distance, weight and price that go together, a late flag, an hour."""
    rng = np.random.default_rng(seed)
    place = rng.choice(5, rows, p=[0.4, 0.25, 0.2, 0.1, 0.05])
    weight = np.round(rng.lognormal(0.5, 0.8, rows), 2)
    price = np.round(3 + 2 * weight + KILOMETRES[place] / 400 + rng.normal(0, 0.3, rows), 2)
    hour = rng.integers(6, 20, rows)
    risk = 1 / (1 + np.exp(2.2 - KILOMETRES[place] / 700 - (hour > 16)))
    note = pd.Series(rng.choice(["none", "fragile", "express"], rows, p=[0.8, 0.15, 0.05])).astype(object)
    packed = pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 30 * 86_400, rows), unit="s")
    return pd.DataFrame(
        {
            "city": CITIES[place],
            "km": KILOMETRES[place],
            "weight": weight,
            "price": price,
            "paid": np.round(price * 1.19, 2),
            "hour": hour,
            "note": note.mask(rng.random(rows) < 0.05),
            "packed": packed,
            "late": (rng.random(rows) < risk).astype(int),
        }
    )


def risk_of(frame: pd.DataFrame) -> np.ndarray:
    """Return the chance to be late that the table was made with."""
    return 1 / (1 + np.exp(2.2 - frame["km"].to_numpy() / 700 - (frame["hour"].to_numpy() > 16)))
