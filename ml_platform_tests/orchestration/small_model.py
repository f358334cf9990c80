"""A small governed model on a table of its own, for tests that run the real path."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from ml_platform.policy.load import GovernedModelFile, load_model

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ROWS = 4_000

MODEL = """\
type: ml_platform.GovernedModel
attributes:
  model: parcels
  purpose: Say which parcels come late
  owner: Parcels team
  risk_class: minimal
  description: Parcels that arrive a day or more after the promise
  source:
    tables:
      parcels: {kind: file, path: DATA}
    as_of: 2025-09-01T00:00:00Z
    licence: CC0-1.0
    description: One row per parcel, invented.
  contract:
    sent: {type: datetime, role: time}
    late: {type: boolean, role: target}
    weight: {type: number, range: [0, 60], description: Kilograms.}
    distance: {type: number, range: [0, 2000]}
    carrier: {type: category, levels: [land, sea, air]}
    region: {type: category, role: group}
  features: ml_platform_tests.orchestration.small_features
  split: {kind: time, train_days: 120, validation_days: 20, calibration_days: 30, holdout_days: 60}
  learner:
    kind: lightgbm
    objective: binary
    seed: 7
    threads: 1
    rounds: 30
    parameters: {learning_rate: 0.1, num_leaves: 7, min_data_in_leaf: 20}
  evaluation: {profile: fast}
  policy:
    packs: [base]
  deployment: {production: manual}
  monitoring:
    start: 2025-09-01
    end: 2026-01-01
    retrain_when: [live_auc_holds]
    cooldown_days: 20
    minimum_labels: 200
"""


POLICY = "packs: [base]"
# So few rows can't prove that a candidate is no worse than what is live, and heavy parcels come late by construction.
WAIVED = f"""{POLICY}
    waivers:
      - {{gate: no_worse_than_champion, owner: Robin, reason: Too few rows to tell., expires: 2099-12-31}}
      - {{gate: no_feature_explains_alone, owner: Robin, reason: Weight is what counts here., expires: 2099-12-31}}"""


def rows(count: int = ROWS, seed: int = 3) -> pd.DataFrame:
    """Return parcels of a year from January 2025 on; heavy parcels over land come late."""
    rng = np.random.default_rng(seed)
    weight, distance = rng.uniform(0, 60, count).round(2), rng.uniform(0, 2000, count).round(1)
    carrier = rng.choice(["land", "sea", "air"], count)
    logit = 0.08 * (weight - 35) + 0.001 * (distance - 1000) + np.where(carrier == "land", 1.0, -0.5)
    days = np.sort(rng.uniform(0, 360, count))
    return pd.DataFrame(
        {
            "sent": pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta((days * 86_400).round(), unit="s"),
            "late": rng.random(count) < 1 / (1 + np.exp(-logit)),
            "weight": weight,
            "distance": distance,
            "carrier": carrier,
            "region": rng.choice(["north", "south"], count),
        }
    )


def write_model(folder: Path, *changes: tuple[str, str], table: pd.DataFrame | None = None) -> Path:
    """Write the model and its table; each change replaces a piece of the file that has to be there once."""
    data = folder / "parcels.csv"
    data.parent.mkdir(parents=True, exist_ok=True)
    (rows() if table is None else table).to_csv(data, index=False)
    text = MODEL.replace("DATA", str(data))
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    path = folder / "defs" / "parcels" / "defs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load_small(folder: Path, *changes: tuple[str, str], table: pd.DataFrame | None = None) -> GovernedModelFile:
    """Write the model and load it."""
    return load_model(write_model(folder, *changes, table=table), now=NOW)
