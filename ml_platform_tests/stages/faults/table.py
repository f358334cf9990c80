"""A small table with a column of every kind, and missing cells."""

from __future__ import annotations

import numpy as np
import pandas as pd


def table(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    amount = rng.normal(20, 8, rows)
    start = pd.Timestamp("2024-01-01", tz="UTC")
    return pd.DataFrame({
        "amount": amount,
        "twice": np.where(rng.random(rows) < 0.1, np.nan, 2 * amount + rng.normal(0, 1, rows)),
        "visits": rng.poisson(12, rows),
        "grade": rng.integers(1, 6, rows),
        "optional": pd.Series(rng.integers(0, 90, rows), dtype="Int64").mask(rng.random(rows) < 0.2),
        "city": rng.choice(["Bern", "São Paulo", "Utrecht", "Oslo"], rows, p=[0.5, 0.2, 0.2, 0.1]),
        "shop": pd.Categorical(rng.choice(["north", "south", "west"], rows)),
        "member": rng.random(rows) < 0.3,
        "agreed": pd.Series(rng.random(rows) < 0.5, dtype="boolean").mask(rng.random(rows) < 0.1),
        "at": start + pd.to_timedelta(rng.integers(0, 90 * 24, rows), unit="h"),
        "late": amount + rng.normal(0, 8, rows) > 25,
    })  # fmt: skip
