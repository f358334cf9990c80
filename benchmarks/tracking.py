"""A training run that is tracked against the bare training, and against MLflow's own client: CPU, in turn.

`python benchmarks/tracking.py [--pairs 9] [--rows 20000]`. Each is a process of its own, from its start to its end:
the bare training imports LightGBM and trains; the tracked one also writes its run into a MLflow store that is there
(parameters, metrics, tags, the model's description, and later the evaluation's metrics) and looks whether it can be
found; the third lets MLflow's client write the same. What the first run in a new home pays for making the store is
said apart. Ends with 1 when the median of the differences between tracked and bare is above the limit.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

LIMIT_SECONDS = 1.0
CONFIDENCE = 0.95
KINDS = ("bare", "tracked", "mlflow")


def main() -> int:
    """Run the three in turn, print each turn, the medians and the differences with their intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        train(asked.rows)
        if asked.child != "bare":
            track(asked.home, through_client=asked.child == "mlflow")
        return 0
    with tempfile.TemporaryDirectory(prefix="tracking-") as folder:
        return compare(Path(folder), pairs=asked.pairs, rows=asked.rows)


def compare(home: Path, *, pairs: int, rows: int) -> int:
    """Measure, print, and say whether the limit is kept."""
    print(f"first tracked run of a new home, which makes the store: {cpu_seconds('tracked', home, rows):.2f} CPU s")
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for pair in range(pairs):
        for kind, found in seconds.items():
            found.append(cpu_seconds(kind, home, rows))
        print(
            f"pair {pair + 1}: " + ", ".join(f"{kind} {found[-1]:.2f} s" for kind, found in seconds.items()), flush=True
        )
    bare = statistics.median(seconds["bare"])
    more = {}
    for kind in KINDS[1:]:
        middle, low, high = median([one - other for one, other in zip(seconds[kind], seconds["bare"], strict=True)])
        whole = statistics.median(seconds[kind])
        interval = f"{CONFIDENCE:.0%} interval {low:.2f} to {high:.2f}, n = {pairs}"
        print(
            f"{kind}: {whole:.2f} s, {whole / bare:.2f} of bare {bare:.2f} s; more by {middle:.2f} CPU s ({interval})"
        )
        more[kind] = middle
    print(f"tracking costs {more['tracked']:.2f} CPU s (limit {LIMIT_SECONDS:g}); MLflow's client {more['mlflow']:.2f}")
    return int(more["tracked"] > LIMIT_SECONDS)


def cpu_seconds(kind: str, home: Path, rows: int) -> float:
    """Return the CPU time of a process that does one of the three; CalledProcessError when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, __file__, "--child", kind, "--home", str(home), "--rows", str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-4000:], file=sys.stderr)
        done.check_returncode()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def train(rows: int) -> None:
    """Train what the tracked run is about."""
    import lightgbm as lgb
    import numpy as np

    rng = np.random.default_rng(1)
    table = rng.normal(size=(rows, 12))
    late = (table[:, 0] + rng.normal(size=rows) > 0).astype(float)
    parameters = {"objective": "binary", "seed": 1, "num_threads": 1, "deterministic": True, "verbosity": -1}
    lgb.train(parameters, lgb.Dataset(table, late), num_boost_round=100)


def track(home: Path, *, through_client: bool) -> None:
    """Write down what the stages write of a training run."""
    from ml_platform.adapters import mlflow_rows
    from ml_platform.adapters.mlflow_tracking import MlflowTracker
    from ml_platform.core.ports import TrainingRun
    from ml_platform.core.records import Conditions

    if through_client:
        mlflow_rows.REVISIONS = frozenset()  # knows no tables, so MLflow's client writes
    said = dict.fromkeys((each.name for each in dataclasses.fields(Conditions)), "")
    run = TrainingRun(
        model="benchmark",
        parameters={f"parameter_{number}": number for number in range(20)},
        metrics={"rounds": 100.0},
        tags={**said, "model_digest": "d" * 64, "snapshot_digest": "f" * 64},
        conditions=Conditions(**{**said, "seed": 1, "threads": 1, "git_dirty": False}),  # type: ignore[arg-type]
        files=("model.txt", "scoring.json"),
        example={f"feature_{number}": (0.5,) for number in range(12)},
    )
    tracker = MlflowTracker(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    run_id = tracker.log_training(run)
    assert tracker.has_run(run_id)
    tracker.log_metrics(run_id, {f"metric_{number}": 0.5 for number in range(30)})


def median(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median and, from the order of the values, its interval; all of them where they are too few for one."""
    from scipy.stats import binom

    ordered, n = sorted(values), len(values)
    left_out = max(int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5)) - 1, 0)
    return statistics.median(ordered), ordered[left_out], ordered[n - 1 - left_out]


if __name__ == "__main__":
    sys.exit(main())
