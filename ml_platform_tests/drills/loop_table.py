"""Parcels whose meaning turns round: from a day on those come late that came in time before, with the same inputs."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml_platform_tests.orchestration.small_model import POLICY, WAIVED

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGINS, RELEASED, TURNED, ENDS = (
    dt.datetime(2025, month, 1, tzinfo=dt.UTC) for month in (8, 10, 11, 12)
)  # fmt: skip
CALM, HARMED, LATER = "2025-10", "2025-11", "2025-12"
PER_DAY = 150
ROWS = 400  # of a month that is served: what is proven with these isn't chance
INPUTS = ("weight", "distance", "carrier")
# A version is made of the 29 days before it, so that one made after the turn knows nothing of before.
CHANGES = (
    (POLICY, WAIVED),
    ("as_of: 2025-09-01T00:00:00Z", f"as_of: {RELEASED:%Y-%m-%dT%H:%M:%SZ}"),
    (
        "train_days: 120, validation_days: 20, calibration_days: 30, holdout_days: 60",
        "train_days: 16, validation_days: 3, calibration_days: 4, holdout_days: 6",
    ),
    ("production: manual", "production: automatic"),
    ("start: 2025-09-01\n    end: 2026-01-01", f"start: {RELEASED:%Y-%m-%d}\n    end: {ENDS:%Y-%m-%d}"),
)


def table(*, until: dt.datetime = ENDS, seed: int = 3) -> pd.DataFrame:
    """Return parcels until a day; heavy ones over land come late, until November, and all the others from then on."""
    rng = np.random.default_rng(seed)
    days = (until - BEGINS).days
    count = PER_DAY * days
    weight, distance = rng.uniform(0, 60, count).round(2), rng.uniform(0, 2000, count).round(1)
    carrier = rng.choice(["land", "sea", "air"], count)
    logit = 0.12 * (weight - 32) + 0.001 * (distance - 1000) + np.where(carrier == "land", 1.0, -0.5)
    sent = BEGINS + pd.to_timedelta(np.sort(rng.uniform(0, days, count) * 86_400).round(), unit="s")
    late = rng.random(count) < 1 / (1 + np.exp(-logit))
    turned = np.asarray(sent >= pd.Timestamp(TURNED))
    return pd.DataFrame(
        {
            "sent": sent, "late": late != turned, "weight": weight, "distance": distance, "carrier": carrier,
            "region": rng.choice(["north", "south"], count),
        }
    )  # fmt: skip


def month(name: str) -> pd.DataFrame:
    """Return rows of a month, spread over it, that nobody's table holds."""
    frame = table(until=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), seed=11)
    frame = frame.loc[frame["sent"].dt.strftime("%Y-%m") == name]
    found: pd.DataFrame = frame.iloc[:: len(frame) // ROWS].reset_index(drop=True)
    return found


def bodies(frame: pd.DataFrame) -> Sequence[bytes]:
    """Return a request for each row, with its time and without its outcome."""
    asked = frame[["sent", *INPUTS]].assign(sent=frame["sent"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return [json.dumps({"dataframe_records": [row]}).encode() for row in asked.to_dict("records")]
