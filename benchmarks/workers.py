"""A year of flights on one machine against the same on two Dask workers of that machine, each in a process of its own.

`python benchmarks/workers.py [--rows 336776] [--rounds 100] [--pairs 1]`. Both read the packaged table (336,776 rows,
and from its beginning again where more are asked for), assemble it, check its contract, describe its columns, train on
the first three quarters of the accepted rows and score all of them with one and the same model. One machine trains
with two threads, two workers with one each. Said of each step: wall seconds, CPU seconds of the process and of its
workers; of each process the most memory that it held. Ends with 1 when verdicts, profile or scores differ at all, or
the AUC on the last quarter by more than its limit.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from sklearn.metrics import log_loss, roc_auc_score

from ml_platform.core.digest import digest_of
from ml_platform.learners.engine import open_engine
from ml_platform.learners.lightgbm_native import fit, predict
from ml_platform.learners.rows import Rows
from ml_platform.learners.scorer import Scorer
from ml_platform.learners.workers import open_workers
from ml_platform.policy.load import load_model
from ml_platform.policy.spec import Compute, Learner, ModelSpec, Role
from ml_platform.stages.assemble import assemble
from ml_platform.stages.contract import Checked, check_contract
from ml_platform.stages.one_machine import one_machine_difference
from ml_platform.stages.profile import profile
from ml_platform.stages.sketches import sketch

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "ml_platform" / "defs" / "flights" / "defs.yaml"
ALL_ROWS = 336_776
AUC_LIMIT = 0.005
STEPS = ("start", "check", "describe", "score", "train")
ENGINES = {"one machine": Compute(engine="local"), "two workers": Compute(engine="dask", workers=2)}
MIB = 1 << 20


def main() -> int:
    """Run both in turn, print each step, and say whether the results are what is promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", ALL_ROWS), ("rounds", 100), ("pairs", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--child", choices=list(ENGINES), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measured(ENGINES[asked.child], asked.rows, asked.rounds)))
        return 0
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in ENGINES}
    for _ in range(asked.pairs):
        for name, found in runs.items():
            found.append(child(name, asked.rows, asked.rounds))
    one, many = (found[-1] for found in runs.values())
    print(f"{one['rows']:,} rows × {one['columns']} columns, {one['refused']:,} refused; {one['features']} features")
    for step in STEPS:
        said = {
            name: [statistics.median(run[step][kind] for run in found) for kind in ("wall", "cpu")]
            for name, found in runs.items()
        }
        print(
            f"{step}: " + "; ".join(f"{name} {wall:.1f} s wall, {cpu:.1f} s CPU" for name, (wall, cpu) in said.items())
        )
    for name, found in runs.items():
        print(f"memory, {name}: " + ", ".join(f"{who} {size:,} MiB" for who, size in found[-1]["peaks"].items()))
    same = [
        key
        for key in ("verdicts", "profile", "scores")
        if len({run[key] for found in runs.values() for run in found}) == 1
    ]
    apart = abs(one["auc"] - many["auc"])
    print(f"the same to the bit: {', '.join(same) or 'nothing'}")
    print(f"AUC {one['auc']:.4f} and {many['auc']:.4f}, {apart:.4f} apart (limit {AUC_LIMIT})")
    print(
        f"log loss {one['loss']:.4f} and {many['loss']:.4f}; quotient of agrees_with_one_machine {many['quotient']:.2f}"
    )
    return int(len(same) < 3 or apart > AUC_LIMIT)


def child(name: str, rows: int, rounds: int) -> dict[str, Any]:
    """Run one engine in a process of its own."""
    command = [sys.executable, __file__, "--rows", str(rows), "--rounds", str(rounds), "--child", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    if done.returncode:
        print(done.stderr[-4000:], file=sys.stderr)
        done.check_returncode()
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measured(compute: Compute, rows: int, rounds: int) -> dict[str, Any]:
    """Do every step and return what each took and gave."""
    spec = spec_on(compute, rounds)
    year = assemble(spec)
    frame = year.iloc[np.arange(rows) % len(year)].reset_index(drop=True)
    check_contract(spec, frame[:1000])  # so that what it imports counts nowhere
    found: dict[str, Any] = {}
    with timed(found, "start"):
        opened = open_workers(compute)
        workers = opened.__enter__()
    try:
        with timed(found, "check"):
            checked = check_contract(spec, frame, workers=workers)
        accepted = checked.accepted
        with timed(found, "describe"):
            described = profile(spec, accepted, workers=workers)
            sketch(spec, accepted, workers=workers)
        taught, held = rows_of(spec, checked)
        scorer = Scorer(fit(spec.learner, taught, rounds=20).text)
        values = np.concatenate([taught.values, held.values])
        with timed(found, "score"):
            score = scorer.score(values, threads=2, workers=workers)
        found["peaks"] = peaks()
    finally:
        opened.__exit__(None, None, None)
    found |= trained(spec, compute, taught, held, found)
    return found | {
        "rows": len(frame), "columns": len(spec.contract), "refused": int(checked.refused.sum()),
        "features": taught.values.shape[1], "verdicts": digest_of([checked.reasons.tolist(), dict(checked.broken)]),
        "profile": digest_of(described), "scores": hashlib.sha256(score.tobytes()).hexdigest(),
    }  # fmt: skip


def trained(spec: ModelSpec, compute: Compute, taught: Rows, held: Rows, found: dict[str, Any]) -> dict[str, Any]:
    """Train on the engine; a cluster of its own is started for it, as the stage does."""
    peak = dict(found["peaks"])
    with open_engine(compute) as train_there:
        with timed(found, "train"):
            model = train_there(spec.learner, taught)
        peak |= {who: max(size, peak.get(who, 0)) for who, size in peaks().items()}
        quotient = None
        if compute.engine == "dask":
            beginning = train_there(spec.learner, taught, rounds=20)
            quotient = one_machine_difference(spec.learner, taught, held.values, beginning).value
    score = predict(model.text, held.values)
    auc, loss = roc_auc_score(held.target, score), log_loss(held.target, score)
    return {"auc": auc, "loss": loss, "quotient": quotient, "peaks": peak}


def spec_on(compute: Compute, rounds: int) -> ModelSpec:
    """Return the shipped model over the whole year, with so many rounds and the machine's two threads."""
    spec = load_model(FILE, now=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)).spec
    said: dict[str, Any] = {"rounds": rounds, "early_stopping_rounds": None, "threads": 2, "monotone": {}}
    learner: Learner = spec.learner.model_copy(update=said)
    source = spec.source.model_copy(update={"as_of": None})
    return spec.model_copy(update={"learner": learner, "source": source, "compute": compute})


def rows_of(spec: ModelSpec, checked: Checked) -> tuple[Rows, Rows]:
    """Return the accepted rows as numbers, oldest first: three quarters to learn from, one to measure on."""
    accepted = checked.accepted.sort_values(spec.time or "", kind="stable", ignore_index=True)
    used = {name: one for name, one in spec.contract.items() if Role.FEATURE in one.roles and one.type != "datetime"}
    columns = [
        accepted[name].cat.codes.astype(float) if one.type == "category" else accepted[name]
        for name, one in used.items()
    ]
    values = np.column_stack([column.to_numpy(dtype=np.float64, na_value=np.nan) for column in columns])
    target = accepted[spec.target].to_numpy(dtype=np.float64)
    every = Rows(values=values, target=target, names=tuple(used), categorical=())
    cut = len(accepted) * 3 // 4
    return (
        dataclasses.replace(every, values=values[:cut], target=target[:cut]),
        dataclasses.replace(every, values=values[cut:], target=target[cut:]),
    )


@contextmanager
def timed(found: dict[str, Any], step: str) -> Iterator[None]:
    """Write down a step's wall seconds and the CPU seconds of this process and of those that it started."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield
    found[step] = {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}


def cpu_seconds() -> float:
    """Return the CPU seconds so far, those of living workers too."""
    return time.process_time() + sum(sum(each.cpu_times()[:2]) for each in psutil.Process().children(recursive=True))


def peaks() -> dict[str, int]:
    """Return the most memory that this process and each of its workers held, in MiB."""
    own = psutil.Process()
    workers = [each.pid for each in own.children() if peak_of(each.pid) > 100]
    return {
        "the stage's process": peak_of(own.pid),
        **{f"worker {n + 1}": peak_of(pid) for n, pid in enumerate(workers)},
    }


def peak_of(pid: int) -> int:
    """Return the most memory that a process held, in MiB; 0 where the system doesn't tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    lines: Callable[[], list[str]] = status.read_text(encoding="ascii").splitlines
    return next((int(line.split()[1]) // 1024 for line in lines() if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    sys.exit(main())
