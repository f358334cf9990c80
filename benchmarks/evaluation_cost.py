"""What an evaluation costs: CPU seconds of the fast and the full one, against scoring the holdout once.

`python benchmarks/evaluation_cost.py [--rows 100000] [--features 20]`. A table is made with as many holdout rows and
features (a fifth of them categories, some values missing, two columns of groups), twice as many training rows; it goes
through the real stages up to the model. Then the same model is evaluated fast and in full, each in the same process,
and scored once as the baseline. Ends with 1 when the fast evaluation takes more than 10 CPU seconds per 100,000 rows
or the full one more than 60.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.core.records import FeaturesRecord, ModelRecord, SplitRecord
from ml_platform.policy.load import load_model
from ml_platform.policy.spec import ModelSpec
from ml_platform.settings import Settings
from ml_platform.sources.read import fingerprint
from ml_platform.stages.evaluate import evaluate
from ml_platform.stages.features import build_features, read_matrix
from ml_platform.stages.model_files import read_scorer
from ml_platform.stages.snapshot import take_snapshot
from ml_platform.stages.split import make_split
from ml_platform.stages.train import train

LIMITS = {"fast": 10.0, "full": 60.0}
NOW = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
DAYS = {"train": 200, "validation": 20, "calibration": 20, "holdout": 100}
LEVELS = [f"level {place}" for place in range(12)]
ResultT = TypeVar("ResultT")
MODEL = """\
type: ml_platform.GovernedModel
attributes:
  model: costly
  purpose: Say what an evaluation costs.
  owner: platform@example.org
  risk_class: limited
  description: Invented rows.
  source:
    tables:
      rows: {{kind: file, path: {table}}}
    as_of: 2024-12-06T00:00:00Z
    licence: CC0-1.0
    description: Invented rows.
  contract:
    at: {{type: datetime, role: time}}
    outcome: {{type: boolean, role: target}}
    region: {{type: category, role: group}}
    kind: {{type: category, role: group}}
{columns}
  features: costly_features
  split: {{kind: time, train_days: 200, validation_days: 20, calibration_days: 20, holdout_days: 100}}
  learner:
    kind: lightgbm
    objective: binary
    seed: 1
    threads: 2
    rounds: 200
    parameters: {{learning_rate: 0.05, num_leaves: 31, min_data_in_leaf: 100, feature_fraction: 0.7}}
  expectations:
    invariant:
      - {{columns: [f1], at_most: 0.5}}
    directional:
      - {{column: f0, by: 0.5, score: rises, at_most: 0.2}}
  deployment:
    selected_share: 0.2
"""
FEATURES = '''\
"""The features as they are."""


def transform(columns, state):
    return {name: columns[name] for name in sorted(columns) if name.startswith(("f", "c"))}
'''


def main() -> int:
    """Measure, print, and say whether the limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evaluation-") as folder:
        return measure(Path(folder), rows=asked.rows, features=asked.features)


def measure(folder: Path, *, rows: int, features: int) -> int:
    """Train once; score, evaluate fast, evaluate in full."""
    spec = write(folder, made(rows, features))
    settings = Settings(
        home=folder / "home", mlflow_uri=f"sqlite:///{folder / 'mlflow.db'}", actor="benchmark", defs=None, only=()
    )
    with open_platform(settings) as platform:
        split, matrix, model = taught(spec, platform)
        held = read_matrix(platform.store, matrix).part_of("holdout")
        scorer = read_scorer(platform.store, model.digest)
        _, once = cpu(lambda: scorer.score(held.values, threads=spec.learner.threads))
        print(f"{held.target.size:,} holdout rows × {len(held.names)} features; scoring them once: {once:.2f} CPU s")
        found = {}
        for profile, limit in LIMITS.items():
            done, found[profile] = cpu(
                lambda profile=profile: evaluate(  # type: ignore[misc]
                    spec, store=platform.store, model=model, features=matrix, split=split, profile=profile
                )
            )
            print(
                f"{profile}: {found[profile]:.1f} CPU s, {found[profile] / once:.0f} × scoring once, "
                f"{len(done.measurements)} measurements (limit {limit:g} per 100,000 rows)",
                flush=True,
            )
    return int(any(seconds > LIMITS[profile] * rows / 100_000 for profile, seconds in found.items()))


def cpu(work: Callable[[], ResultT]) -> tuple[ResultT, float]:
    """Return what work gave, and the CPU time of this process for it."""
    before = time.process_time()
    done = work()
    return done, time.process_time() - before


def made(rows: int, features: int) -> pd.DataFrame:
    """Invent rows, oldest first, of which as many as asked for are in the holdout."""
    rng = np.random.default_rng(1)
    n = rows * sum(DAYS.values()) // DAYS["holdout"]
    days = np.sort(rng.uniform(0, sum(DAYS.values()), n))
    numbers = features - features // 5
    table = {f"f{place}": rng.normal(size=n).round(4) for place in range(numbers)}
    for place in range(3, numbers, 3):
        table[f"f{place}"][rng.random(n) < 0.1] = np.nan
    codes = {f"c{place}": rng.integers(0, len(LEVELS), n) for place in range(features // 5)}
    logit = 0.8 * table["f0"] - 0.5 * table["f1"] + 0.3 * table["f2"] * table["f4"] + 0.1 * codes["c0"] - 1.5
    return pd.DataFrame(
        {
            "at": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta((days * 86_400).round(), unit="s"),
            "outcome": rng.random(n) < 1 / (1 + np.exp(-logit)),
            "region": rng.choice(["north", "south", "west"], n),
            "kind": rng.choice(["old", "new"], n),
            **table,
            **{name: np.array(LEVELS)[code] for name, code in codes.items()},
        }
    )


def write(folder: Path, table: pd.DataFrame) -> ModelSpec:
    """Write table, features module and model file into a folder and load the file."""
    table.to_parquet(folder / "rows.parquet")
    (folder / "costly_features.py").write_text(FEATURES)
    sys.path.insert(0, str(folder))
    columns = "\n".join(
        f"    {name}: {{type: {'number, missing: 0.2' if name.startswith('f') else 'category'}}}"
        for name in table.columns[4:]
    )
    path = folder / "defs" / "costly" / "defs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(MODEL.format(table=folder / "rows.parquet", columns=columns))
    return load_model(path, now=NOW).spec


def taught(spec: ModelSpec, platform: Platform) -> tuple[SplitRecord, FeaturesRecord, ModelRecord]:
    """Go from the source to the model."""
    store = platform.store
    source = fingerprint(spec, now=NOW).record
    snapshot = take_snapshot(spec, store=store, source=source, as_of=None, reference=None, now=NOW).snapshot.record
    split = make_split(spec, store=store, snapshot=snapshot, as_of=None).record
    features = build_features(spec, store=store, snapshot=snapshot, split=split).record
    model = train(
        spec, store=store, features=features, tracker=platform.tracker, actor="benchmark", now=NOW,
        root=Path(__file__).parents[1],
    )  # fmt: skip
    return split, features, model.record


if __name__ == "__main__":
    sys.exit(main())
