"""A small governed model with its split features in a fake store: what training and evaluation start from."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml_platform.core.digest import canonical_json, digest_of
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import FeaturesRecord, SplitRecord
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.features_module import load_features
from ml_platform.stages.matrix import Matrix, matrix_frame
from ml_platform.stages.parquet import parquet_bytes
from ml_platform_tests.stages import toy_features

NOW = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
SITES = ("north", "south", "west")
PARTS = ("train", "validation", "calibration", "holdout")


def toy_spec(**changes: Any) -> ModelSpec:
    said: dict[str, Any] = {
        "model": "toy",
        "purpose": "Say whether a parcel is late.",
        "owner": "parcels@example.org",
        "risk_class": "limited",
        "description": "A model for tests.",
        "source": {
            "tables": {"rows": {"kind": "file", "path": "rows.csv"}},
            "licence": "CC0-1.0",
            "description": "Invented rows.",
        },
        "contract": {
            "load": {"type": "number"},
            "wind": {"type": "number", "missing": 0.2},
            "site": {"type": "category", "levels": SITES},
            "late": {"type": "boolean", "role": "target"},
            "day": {"type": "datetime", "role": "time"},
            "crew": {"type": "category", "role": "group", "personal_data": "sensitive", "reason": "Fairness."},
            "person": {"type": "integer", "role": "entity", "personal_data": "quasi", "reason": "Repeats."},
        },
        "features": toy_features.__name__,
        "split": {"kind": "time", "train_days": 60, "validation_days": 20, "calibration_days": 20, "holdout_days": 20},
        "learner": {
            "kind": "lightgbm",
            "objective": "binary",
            "seed": 7,
            "threads": 1,
            "rounds": 30,
            "parameters": {"num_leaves": 7, "min_data_in_leaf": 10},
        },
        "deployment": {"selected_share": 0.3},
    }
    return ModelSpec.model_validate_json(json.dumps(said | changes))


def toy_rows(n: int = 1200, *, seed: int = 5, shift: float = 0.0) -> pd.DataFrame:
    """Return contract-checked rows, oldest first; `shift` moves the holdout's relation to its inputs."""
    rng = np.random.default_rng(seed)
    load, wind = rng.normal(size=n), rng.normal(size=n)
    site = rng.integers(0, len(SITES), n)
    crew = np.where(load + rng.normal(size=n) > 0, "a", "b")
    chance = 1 / (1 + np.exp(-(1.5 * load + 0.8 * (site == 1) - 0.5 + shift)))
    return pd.DataFrame(
        {
            "load": load,
            "wind": np.where(rng.random(n) < 0.1, np.nan, wind),
            "site": pd.Categorical(np.array(SITES)[site], categories=SITES),
            "late": pd.array(rng.random(n) < chance, dtype="boolean"),
            "day": pd.date_range("2024-01-01", periods=n, freq="2h24min", tz="UTC").as_unit("us"),
            "crew": pd.Categorical(crew),
            "person": pd.array(rng.integers(0, n // 3, n), dtype="Int64"),
        }
    )


def toy_parts(n: int) -> NDArray[np.str_]:
    return np.repeat(np.asarray(PARTS), [n // 2, n // 6, n // 6, n - n // 2 - 2 * (n // 6)])


def toy_matrix(frame: pd.DataFrame, state: dict[str, Any] | None = None) -> Matrix:
    inputs = {
        "load": frame["load"].to_numpy(),
        "wind": frame["wind"].to_numpy(),
        "site": frame["site"].cat.codes.to_numpy().astype(np.float64),
    }
    columns = toy_features.transform(inputs, state or {})
    return Matrix(
        values=np.column_stack(list(columns.values())),
        names=tuple(columns),
        categorical=("site",),
        target=frame["late"].to_numpy(dtype=np.float64),
        part=toy_parts(len(frame)),
        entity=frame["person"].to_numpy(dtype=np.uint64),
        groups={"crew": frame["crew"].astype(object).to_numpy()},
        time=frame["day"].to_numpy(dtype="datetime64[us]"),
    )


def stored(
    store: ArtefactStore, spec: ModelSpec, *, matrix: Matrix | None = None
) -> tuple[FeaturesRecord, SplitRecord]:
    """Store snapshot, split and features of the toy rows and return the records of the last two."""
    frame = toy_rows()
    matrix = toy_matrix(frame) if matrix is None else matrix
    store.put("snapshots", "a" * 64, {"data.parquet": parquet_bytes(frame)})
    state = {"schema_version": 1, "levels": {"site": list(SITES)}, "fitted": {"weight": 1.0}}
    files = {"matrix.parquet": parquet_bytes(matrix_frame(matrix)), "state.json": canonical_json(state).encode()}
    store.put("features", "c" * 64, files)
    features = FeaturesRecord(
        model=spec.model,
        digest="c" * 64,
        snapshot_digest="a" * 64,
        split_digest="b" * 64,
        code_digest=load_features(spec).digest,
        state_digest="d" * 64,
        names=matrix.names,
        categorical=matrix.categorical,
        rows=len(frame),
        lineage={name: (name,) for name in matrix.names},
    )
    rows = {part: int((matrix.part == part).sum()) for part in PARTS}
    boundaries = {"holdout": "2024-04-10T00:00:00+00:00", "end": "2024-04-30T00:00:00+00:00"}
    split = SplitRecord(model=spec.model, digest="b" * 64, snapshot_digest="a" * 64, rows=rows, boundaries=boundaries)
    store.put("splits", split.digest, {"split.json": canonical_json(split).encode()})
    return features, split


def stored_split(
    store: ArtefactStore, boundaries: dict[str, str], *, parts: NDArray[np.str_] | None = None, snapshot: str = "a" * 64
) -> str:
    """Store the split of another version and return its digest."""
    said = {"boundaries": boundaries, "snapshot": snapshot, "parts": [] if parts is None else parts.tolist()}
    split = SplitRecord(model="toy", digest=digest_of(said), snapshot_digest=snapshot, rows={}, boundaries=boundaries)
    files = {"split.json": canonical_json(split).encode()}
    if parts is not None:
        files["parts.parquet"] = parquet_bytes(pd.DataFrame({"part": pd.Categorical(parts)}))
    store.put("splits", split.digest, files)
    return split.digest


def repository(folder: Path) -> Path:
    """Make a folder a git repository with one commit."""
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / ".gitignore").write_text("home/\n")
    subprocess.run(["git", "-C", str(folder), "add", ".gitignore"], check=True)
    subprocess.run(["git", "-C", str(folder), *who, "commit", "-q", "-m", "Begin"], check=True)
    return folder
