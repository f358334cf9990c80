"""What judging a window of many predictions costs, in CPU seconds and memory, and what reading its log costs.

A window of so many rows and inputs (two thirds numbers, one third categories), all with outcomes, lies in the store as
`traffic` keeps it; `monitoring` reads it, holds it against 20,000 training rows and 8,000 of a holdout, and measures
all that it measures. Collecting the window from the log is measured on fewer rows, as it grows with them.

    python benchmarks/monitoring.py --rows 1000000 --columns 30
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import TrafficLog, read
from ml_platform.core.records import Candidate, ReleaseRecord, WindowRecord
from ml_platform.core.traffic import Label, Prediction
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.monitor import monitor_window
from ml_platform.stages.periods import month
from ml_platform.stages.reference import Reference
from ml_platform.stages.window import FILE, KIND, collect_window

PERIOD = month("2026-06")
MOST_SECONDS, MOST_BYTES = 15.0, 1 << 30
DIGEST = "ab" * 32


def spec_of(columns: int) -> ModelSpec:
    """Return a model of so many inputs, a third of them categories."""
    contract: dict[str, dict[str, object]] = {"at": {"type": "datetime", "role": "time"}}
    contract |= {f"c{place}": {"type": "category" if place % 3 == 2 else "number"} for place in range(columns)}
    contract["late"] = {"type": "boolean", "role": "target"}
    said = {
        "model": "m", "purpose": "p", "owner": "o", "risk_class": "minimal", "description": "d", "contract": contract,
        "source": {"tables": {"t": {"kind": "file", "path": "t.csv"}}, "licence": "none", "description": "d"},
        "features": "f",
        "split": {"kind": "time", "train_days": 9, "validation_days": 9, "calibration_days": 9, "holdout_days": 9},
        "learner": {"kind": "lightgbm", "objective": "binary", "seed": 1, "threads": 1, "rounds": 1},
        "monitoring": {"start": "2026-01-01", "retrain_when": [], "cooldown_days": 0, "minimum_labels": 50},
    }  # fmt: skip
    return ModelSpec.model_validate_json(json.dumps(said))


def inputs(rng: np.random.Generator, rows: int, columns: int) -> pd.DataFrame:
    """Return so many rows of inputs."""
    levels = np.array([f"level {place}" for place in range(20)])
    return pd.DataFrame(
        {
            f"c{place}": levels[rng.integers(0, 20, rows)] if place % 3 == 2 else rng.normal(0, 1, rows)
            for place in range(columns)
        }
    )


def reference(rng: np.random.Generator, columns: int) -> Reference:
    """Return what the version was like when it was released."""
    chance = rng.beta(1, 3, 8_000)
    times = pd.date_range("2025-06-01", periods=20_000, freq="10min", tz="UTC")
    return Reference(
        rows=inputs(rng, 20_000, columns).assign(at=times), scores={"": pd.Series(chance)}, headline=0.8,
        standard_error=0.005, outcomes=(rng.random(8_000) < chance).astype(float), threshold=0.4,
    )  # fmt: skip


def kept_window(store: FileArtefacts, rng: np.random.Generator, rows: int, columns: int) -> WindowRecord:
    """Put a window into the store as `traffic` keeps it."""
    chance = rng.beta(1, 3, rows)
    frame = inputs(rng, rows, columns).add_prefix("input_")
    frame = frame.assign(
        id=np.char.add("p", np.arange(rows).astype(str)), event_time=PERIOD.start, version=1, model_digest="m",
        status=200, score=chance, latency_seconds=0.001, unseen=0, label=(rng.random(rows) < chance).astype(float),
    )  # fmt: skip
    with store.draft(KIND) as draft:
        with draft.create(FILE) as file:
            frame.to_parquet(file, compression="zstd")
        draft.keep(DIGEST)
    return WindowRecord(
        model="m", environment="production", window=PERIOD.name, digest=DIGEST, predictions=rows, labelled=rows,
        errors=0, versions={"1": rows},
    )  # fmt: skip


def release() -> ReleaseRecord:
    """Return the version that served."""
    digests = dict.fromkeys(
        (
            "source_digest", "snapshot_digest", "split_digest", "features_digest", "code_digest", "parameters_digest",
            "environment_digest", "model_digest", "evaluation_digest", "git_commit",
        ),
        "d",
    )  # fmt: skip
    return ReleaseRecord(
        model="m", version=1, candidate=Candidate(model="m", **digests), evidence_digest="e", policy_digest="p",
        released_at=PERIOD.start, released_by="somebody",
    )  # fmt: skip


def judge(home: Path, rows: int, columns: int) -> tuple[float, int]:
    """Return the CPU seconds that judging a window took, and the most memory of the process in bytes."""
    rng, store = np.random.default_rng(1), FileArtefacts(home)
    spec, then = spec_of(columns), reference(rng, columns)
    record = kept_window(store, rng, rows, columns)
    began = time.process_time()
    monitor_window(spec, store=store, window=record, period=PERIOD, live=release(), reference=then)
    return time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def collect(home: Path, rows: int, columns: int) -> tuple[float, float]:
    """Return the CPU seconds of reading a log of so many rows, and of joining and keeping them."""
    rng, keys, folder = np.random.default_rng(2), FileKeys(home), home / "log"
    log = TrafficLog(folder, keys=keys)
    rows_sent = [
        {str(name): value for name, value in row.items()} for row in inputs(rng, rows, columns).to_dict("records")
    ]
    log.append(
        [
            Prediction(
                id=f"{place:032}", at=PERIOD.start, event_time=PERIOD.start + dt.timedelta(seconds=place), model="m",
                environment="production", version=1, model_digest="m", status=200, score=0.5, latency_seconds=0.001,
                inputs=row,
            )
            for place, row in enumerate(rows_sent)
        ]
    )  # fmt: skip
    log.close()
    labels = {f"{place:032}": Label(prediction_id=f"{place:032}", label=1.0, at=PERIOD.end) for place in range(rows)}
    began = time.process_time()
    seen = read(folder, PERIOD.start, PERIOD.end, keys=keys)
    middle = time.process_time()
    collect_window(
        "m", "production", PERIOD, predictions=seen.predictions, labels=labels, store=FileArtefacts(home),
        now=PERIOD.end,
    )  # fmt: skip
    return middle - began, time.process_time() - middle


def main() -> int:
    """Print what a window costs; 1 when judging takes more than 15 CPU seconds or 1 GiB."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--logged", type=int, default=50_000, help="rows of which collecting is measured")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds, memory = judge(Path(folder), asked.rows, asked.columns)
        print(
            f"judging {asked.rows:,} predictions × {asked.columns} inputs: {seconds:.1f} CPU seconds of "
            f"{MOST_SECONDS:g}, {memory / MOST_BYTES:.2f} GiB of 1 (made rows and the process included)"
        )
        if asked.logged:
            reading, keeping = collect(Path(folder), asked.logged, asked.columns)
            per = 1_000_000 / asked.logged
            print(
                f"collecting {asked.logged:,} of them from the log: {reading:.1f} + {keeping:.1f} CPU seconds to read, "
                f"and to join and keep; {reading * per:.0f} + {keeping * per:.0f} a million"
            )
    return 0 if seconds <= MOST_SECONDS and memory <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
