"""Parcels: a small governed model whose rows lie in a CSV file, from the source to the features."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.policy.spec import ModelSpec
from ml_platform.sources.read import fingerprint
from ml_platform.stages.snapshot import SnapshotTaken, take_snapshot
from ml_platform_tests.fakes.vault import FakeVault

if TYPE_CHECKING:
    from pathlib import Path

    from ml_platform.core.records import SnapshotRecord

NOW = dt.datetime(2024, 9, 1, tzinfo=dt.UTC)
CONTRACT: dict[str, Any] = {
    "sent": {"type": "datetime", "role": "time", "also": ["feature"]},
    "late": {"type": "boolean", "role": "target"},
    "weight": {"type": "number", "range": [0, 100]},
    "pieces": {"type": "integer", "range": [1, 99], "missing": 0.2},
    "site": {"type": "category", "levels": ["north", "south", "west"]},
    "carrier": {"type": "category", "missing": 0.2},
    "express": {"type": "boolean"},
    "number": {"type": "integer", "unique": True, "role": "not_used", "reason": "A running number."},
    "customer": {"type": "integer", "role": "entity", "personal_data": "quasi"},
    "crew": {"type": "category", "role": "group", "personal_data": "sensitive", "reason": "Fairness."},
    "delay": {"type": "number", "role": "not_used", "known": "after", "reason": "The outcome.", "missing": 0.5},
}


def parcel_rows(n: int = 600, *, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    delay = rng.normal(size=n).round(3)
    return pd.DataFrame(
        {
            "sent": pd.date_range("2024-01-01", periods=n, freq="6h", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "late": np.where(delay > 0.5, "true", "false"),
            "weight": rng.gamma(2, 3, n).round(4),
            "pieces": rng.integers(1, 9, n),
            "site": rng.choice(["north", "south", "west"], n),
            "carrier": rng.choice(["dx", "up", "hm"], n),
            "express": rng.choice(["true", "false"], n),
            "number": np.arange(n),
            "customer": rng.integers(1000, 1000 + n // 4, n),
            "crew": rng.choice(["a", "b"], n),
            "delay": delay,
        }
    )


def parcel_spec(path: Path, **changes: Any) -> ModelSpec:
    said: dict[str, Any] = {
        "model": "parcels",
        "purpose": "Say whether a parcel is late.",
        "owner": "parcels@example.org",
        "risk_class": "limited",
        "description": "A model for tests.",
        "source": {
            "tables": {"rows": {"kind": "file", "path": str(path)}},
            "as_of": "2024-05-30T00:00:00Z",
            "licence": "CC0-1.0",
            "description": "Invented rows.",
        },
        "contract": CONTRACT,
        "features": "ml_platform_tests.stages.parcel_features",
        "split": {"kind": "time", "train_days": 90, "validation_days": 20, "calibration_days": 20, "holdout_days": 20},
        "learner": {"kind": "lightgbm", "objective": "binary", "seed": 7, "threads": 1, "rounds": 30},
    }
    return ModelSpec.model_validate_json(json.dumps(said | changes))


def write(rows: pd.DataFrame, path: Path) -> Path:
    rows.to_csv(path, index=False)
    return path


class Parcels:
    """A source file, its model and a store in one folder."""

    def __init__(self, folder: Path, rows: pd.DataFrame | None = None, **changes: Any) -> None:
        self.path = write(parcel_rows() if rows is None else rows, folder / "rows.csv")
        self.spec = parcel_spec(self.path, **changes)
        self.store = FileArtefacts(folder / "home")
        self.vault = FakeVault()

    def snapshot(self, *, as_of: dt.datetime | None = None, reference: SnapshotRecord | None = None) -> SnapshotTaken:
        source = fingerprint(self.spec, now=NOW).record
        return take_snapshot(
            self.spec, store=self.store, vault=self.vault, source=source, as_of=as_of, reference=reference, now=NOW
        )
