"""What a window of many predictions costs, from the log to the last measurement, in CPU seconds and memory.

A month of so many predictions with so many inputs (two thirds numbers, one third categories) is logged as the service
does it, with an outcome for each, and compacted, each in a process of its own. Then one process collects the window as
`traffic` does, and holds it against 20,000 training rows and 8,000 of a holdout as `monitoring` does.

    python benchmarks/monitoring.py --rows 1000000 --columns 30
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.compact_traffic import compact
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.labels import LabelStore
from ml_platform.adapters.traffic_log import TrafficLog, read_columns
from ml_platform.core.records import Candidate, ReleaseRecord
from ml_platform.core.traffic import Prediction
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.monitor import monitor_window
from ml_platform.stages.periods import month
from ml_platform.stages.reference import Reference
from ml_platform.stages.window import collect_window

PERIOD = month("2026-06")
MOST_SECONDS, MOST_BYTES = 15.0, 1 << 30
DIGEST = "ab" * 32
LOG = "traffic/production/m"
AT_ONCE = 10_000

FoundT = TypeVar("FoundT")


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


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step took: CPU seconds, and the most memory of its process in bytes."""

    seconds: float
    most_bytes: int


def write_log(home: Path, rows: int, columns: int) -> Cost:
    """Log a month of predictions as the service does, then hand in an outcome for each."""
    rng, keys = np.random.default_rng(2), FileKeys(home)
    log, labels = TrafficLog(home / LOG, keys=keys), LabelStore(home)
    step = (PERIOD.end - PERIOD.start) / rows
    for start in range(0, rows, AT_ONCE):
        many = min(AT_ONCE, rows - start)
        chance = rng.beta(1, 3, many)
        sent = inputs(rng, many, columns).to_dict("records")
        times = [PERIOD.start + step * place for place in range(start, start + many)]
        ids = [rng.bytes(16).hex() for _ in range(many)]
        log.append(
            [
                Prediction(
                    id=identity, at=at, event_time=at, model="m", environment="production", version=1,
                    model_digest=DIGEST, status=200, score=float(score), latency_seconds=0.001,
                    inputs={str(name): value for name, value in row.items()},
                )
                for identity, at, score, row in zip(ids, times, chance, sent, strict=True)
            ]
        )  # fmt: skip
        came = (rng.random(many) < chance).astype(float)
        labels.append("m", [(one, float(label), PERIOD.end) for one, label in zip(ids, came, strict=True)])
    log.close()
    return spent()


def compact_log(home: Path) -> Cost:
    """Put the log into files of days, as the service does beside its work, once for every prediction."""
    done = compact(home / LOG, keys=FileKeys(home))
    print(f"    {done.bytes_before / 1e6:,.0f} MB of segments became {done.bytes_after / 1e6:,.0f} MB of days")
    LabelStore(home).compact("m")
    return spent()


def watch(home: Path, columns: int) -> tuple[Cost, Cost]:
    """Return what collecting the window took, and then judging it, in one process."""
    store, spec = FileArtefacts(home), spec_of(columns)
    then = reference(np.random.default_rng(1), columns)
    began = time.process_time()
    seen = read_columns(home / LOG, PERIOD.start, PERIOD.end, keys=FileKeys(home))
    found = collect_window(
        "m", "production", PERIOD, predictions=seen.tables, words=LabelStore(home).words("m"), store=store,
        now=PERIOD.end, torn=seen.torn,
    )  # fmt: skip
    del seen
    collected = spent(began)
    began = time.process_time()
    watched = monitor_window(spec, store=store, window=found.record, period=PERIOD, live=release(), reference=then)
    print(f"    {found.record.predictions:,} predictions, {watched.record.labelled:,} with an outcome")
    return collected, spent(began)


def spent(began: float = 0.0) -> Cost:
    """Return what this process took since it had taken `began` seconds."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Cost(time.process_time() - began, most)


def apart(step: Callable[..., FoundT], *given: object) -> FoundT:
    """Do a step in a fresh process, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(step, *given).result()


def main() -> int:
    """Print what a window costs; 1 when collecting and judging takes more than 15 CPU seconds or 1 GiB."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--raw", action="store_true", help="read the window from a log that wasn't compacted")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        apart(write_log, home, asked.rows, asked.columns)
        if not asked.raw:
            print(said("compacting, once", apart(compact_log, home)), flush=True)
        collected, judged = apart(watch, home, asked.columns)
    whole = Cost(collected.seconds + judged.seconds, judged.most_bytes)
    print(f"a window of {asked.rows:,} predictions × {asked.columns} inputs, outcomes for all:")
    print("\n".join((said("collecting", collected), said("judging", judged), said("both", whole))))
    print(f"  allowed: {MOST_SECONDS:g} CPU seconds, {MOST_BYTES / (1 << 30):g} GiB")
    return 0 if whole.seconds <= MOST_SECONDS and whole.most_bytes <= MOST_BYTES else 1


def said(what: str, cost: Cost) -> str:
    """Say what a step took."""
    return f"  {what}: {cost.seconds:.1f} CPU seconds, {cost.most_bytes / (1 << 30):.2f} GiB at most"


if __name__ == "__main__":
    sys.exit(main())
