from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_platform.stages.repeated_rows import MOST_JUDGED, find_repeats

ROWS = 3_000
EVALUATED = np.arange(ROWS) >= 2_400
COPIED = np.arange(2_400, 2_460)


def rows(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "at": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(rng.permutation(ROWS) * 7, unit="min"),
            "weight": rng.gamma(2, 3, ROWS), "height": rng.normal(size=ROWS), "price": rng.lognormal(size=ROWS),
            "pieces": rng.integers(1, 9, ROWS),
            "site": np.array(["north", "south", None], dtype=object)[rng.integers(0, 3, ROWS)],
            "express": rng.random(ROWS) < 0.5, "gaps": np.where(rng.random(ROWS) < 0.3, np.nan, rng.normal(size=ROWS)),
        }
    ).reset_index(drop=True)  # fmt: skip


def copied(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[COPIED] = frame.loc[COPIED - 2_000].to_numpy()
    return frame


def shares(frame: pd.DataFrame) -> tuple[float, float]:
    found = find_repeats(frame, learned=~EVALUATED, evaluated=EVALUATED)
    assert found.near.size == found.exact.size == MOST_JUDGED
    return float(found.exact.mean()), float(found.near.mean())


def test_strangers_repeat_nothing() -> None:
    assert shares(rows()) == (0, 0)


def test_copies_are_found() -> None:
    exact, near = shares(copied(rows()))
    assert exact == near == pytest.approx(0.1, abs=0.02)


def test_copies_with_noise_and_copies_with_one_column_changed_are_near() -> None:
    rng = np.random.default_rng(3)
    noisy = copied(rows())
    for name in ("weight", "height", "price"):
        noisy.loc[COPIED, name] *= 1 + rng.normal(size=COPIED.size) * 1e-3
    exact, near = shares(noisy)
    assert exact == 0
    assert near == pytest.approx(0.1, abs=0.03)
    wide = pd.concat([rows(), rows(5).drop(columns=["at", "site", "express", "pieces"]).add_suffix("_too")], axis=1)
    changed = copied(wide)
    changed.loc[COPIED, "price"] = rng.permutation(changed["price"])[: COPIED.size]
    exact, near = shares(changed)
    assert exact == 0
    assert near == pytest.approx(0.1, abs=0.03)


def test_rows_alike_by_chance_in_a_coarse_table_dont_count() -> None:
    rng = np.random.default_rng(4)
    coarse = pd.DataFrame({name: rng.integers(0, 3, ROWS) for name in "abcdef"})
    assert coarse.duplicated().mean() > 0.5
    assert shares(coarse) == (0, 0)


def test_a_table_of_one_constant_column_has_no_twin_that_leads() -> None:
    assert shares(pd.DataFrame({"one": np.ones(ROWS)})) == (0, 0)
