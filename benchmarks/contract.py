"""A contract over a long Parquet file against one plain columnar scan of it: CPU and memory, each in its own process.

`python benchmarks/contract.py [--rows 1_000_000] [--pairs 3]`. The scan is pyarrow's: every column of the file, in
batches, with least, greatest and number of missing values. The contract has 30 columns (ranges, levels, a format, a
pattern, two unique columns, missing shares), two rules between columns, and finds about one row in a thousand that
breaks it. CPU is user + system time of the work itself, without imports; memory is the process's peak. Ends with 1
when the ratio of the medians or the memory is above its limit.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
RATIO = 1.5
MEGABYTES = 600
CHUNK = 500_000
LEVELS = ["north", "south", "east", "west", "centre"]
RULES: dict[str, Any] = {
    "paid_is_not_more": {"kind": "compare", "left": "number_0", "sign": "<=", "right": "number_1"},
    "weight_needs_site": {
        "kind": "implies",
        "when": [{"kind": "compare", "left": "number_2", "sign": ">", "value": 3}],
        "then": [{"kind": "one_of", "column": "level_0", "values": LEVELS[:4]}],
    },
}


def main() -> int:
    """Make the table once, run both in turn, print each pair and the ratio of the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=1_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--child", choices=list(WORK), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    path = ROOT / ".cache" / f"contract-{asked.rows}.parquet"
    if asked.child:
        print(json.dumps(measured(WORK[asked.child], path)))
        return 0
    if not path.exists():
        make(path, asked.rows)
    size = path.stat().st_size / 1e6
    print(f"{asked.rows:,} rows × {len(contract())} columns, {size:,.0f} MB of Parquet", flush=True)
    found: dict[str, list[dict[str, Any]]] = {"scan": [], "contract": []}
    for pair in range(asked.pairs):
        for name, runs in found.items():
            runs.append(child(name, asked.rows))
        print(f"pair {pair + 1}: " + "; ".join(f"{name} {said(runs[-1])}" for name, runs in found.items()), flush=True)
    seconds = {name: statistics.median(run["seconds"] for run in runs) for name, runs in found.items()}
    peak = max(run["megabytes"] for run in found["contract"])
    ratio = seconds["contract"] / seconds["scan"]
    print(f"CPU: contract {seconds['contract']:.2f} s, scan {seconds['scan']:.2f} s, ratio {ratio:.2f} (limit {RATIO})")
    print(f"memory: contract {peak:.0f} MB (limit {MEGABYTES} MB)")
    return int(ratio > RATIO or peak > MEGABYTES)


def said(run: dict[str, Any]) -> str:
    """Write one run down."""
    more = f", {run['refused']:,} rows refused" if "refused" in run else ""
    return f"{run['seconds']:.2f} s, {run['megabytes']:.0f} MB{more}"


def child(name: str, rows: int) -> dict[str, Any]:
    """Run one kind of work in a process of its own."""
    command = [sys.executable, __file__, "--rows", str(rows), "--child", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-4000:], file=sys.stderr)
        done.check_returncode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def measured(work: Callable[[Path], dict[str, Any]], path: Path) -> dict[str, Any]:
    """Return what the work says, its CPU time and the peak memory of this process."""
    WORK["warm"](path)
    before = time.process_time()
    found = work(path)
    seconds = time.process_time() - before
    return {**found, "seconds": seconds, "megabytes": peak_megabytes()}


def peak_megabytes() -> float:
    """Return the most memory that this process held; `ru_maxrss` would tell the parent's on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def warm(_: Path) -> dict[str, Any]:
    """Import what the work needs."""
    import pandera.pandas  # noqa: F401

    from ml_platform.stages import contract_stream  # noqa: F401

    return {}


def scan(path: Path) -> dict[str, Any]:
    """Read every column and find its least, its greatest and how many are missing."""
    missing = 0
    bounds: dict[str, Any] = {}
    with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=1 << 16, use_threads=False):
            for name, array in zip(batch.schema.names, batch.columns, strict=True):
                bounds[name] = pc.min_max(array)
                missing += array.null_count
    return {"missing": missing}


def check(path: Path) -> dict[str, Any]:
    """Check the contract."""
    from pydantic import TypeAdapter

    from ml_platform.policy.row_rules import RowRule
    from ml_platform.policy.spec import Column
    from ml_platform.stages.contract_stream import check_contract_streaming

    columns = TypeAdapter(dict[str, Column]).validate_json(json.dumps(contract()))
    rules = TypeAdapter(dict[str, RowRule]).validate_json(json.dumps(RULES))
    found = check_contract_streaming("benchmark", columns, path, rules=rules)
    return {"refused": len(found.refused), "broken": dict(found.broken)}


WORK: dict[str, Callable[[Path], dict[str, Any]]] = {"scan": scan, "contract": check, "warm": warm}


def contract() -> dict[str, Any]:
    """Return the contract of the table."""
    return {
        **{f"number_{i}": {"type": "number", "range": [-5, 5]} for i in range(7)},
        **{f"gappy_{i}": {"type": "number", "range": [-5, 5], "missing": 0.1} for i in range(3)},
        **{f"whole_{i}": {"type": "integer", "range": [0, 99]} for i in range(7)},
        "row": {"type": "integer", "unique": True},
        **{f"level_{i}": {"type": "category", "levels": LEVELS} for i in range(4)},
        "country": {"type": "category", "format": "country"},
        "product": {"type": "category", "pattern": "p[0-9]+"},
        "city": {"type": "category", "missing": 0.1},
        "order": {"type": "category", "unique": True},
        **{f"truth_{i}": {"type": "boolean"} for i in range(2)},
        "at": {"type": "datetime"},
        "paid_at": {"type": "datetime", "missing": 0.1},
    }


def make(path: Path, rows: int) -> None:
    """Write the table, a part at a time, with about one broken row in a thousand."""
    path.parent.mkdir(exist_ok=True)
    rng = np.random.default_rng(1)
    unfinished = path.with_suffix(".part")
    writer = None
    for start in range(0, rows, CHUNK):
        table = part(rng, start, min(CHUNK, rows - start))
        writer = writer or pq.ParquetWriter(unfinished, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()
    unfinished.rename(path)


def part(rng: np.random.Generator, start: int, n: int) -> pa.Table:
    """Return some rows of the table."""

    def gappy(values: NDArray[Any]) -> pa.Array:
        return pa.array(values, mask=rng.random(n) < 0.05)

    def of(levels: list[str]) -> pa.Array:
        codes = pa.array(rng.integers(0, len(levels), n, dtype=np.int32))
        return pa.DictionaryArray.from_arrays(codes, pa.array(levels)).cast(pa.string())

    first = np.datetime64("2024-01-01", "us") + rng.integers(0, 366 * 86_400 * 10**6, n).astype("timedelta64[us]")
    numbers = {f"number_{i}": rng.normal(size=n).clip(-4, 4) for i in range(7)}
    numbers["number_1"] = np.maximum(numbers["number_0"], numbers["number_1"])
    numbers["number_3"][rng.random(n) < 0.0005] = 99.0
    whole = {f"whole_{i}": rng.integers(0, 100, n) for i in range(7)}
    whole["whole_2"][rng.random(n) < 0.0003] = -1
    numbers["number_2"][rng.random(n) < 0.0002] = 3.5
    utc = pa.timestamp("us", "UTC")
    return pa.table(
        {
            **numbers,
            **{f"gappy_{i}": gappy(rng.normal(size=n).clip(-4, 4)) for i in range(3)},
            **whole,
            "row": np.arange(start, start + n),
            **{f"level_{i}": of(LEVELS) for i in range(4)},
            "country": of(["DE", "FR", "GB", "IT", "ES", "PT", "NL", "BE", "AT", "CH"]),
            "product": of([f"p{i}" for i in range(5000)]),
            "city": of([f"city of the number {i}" for i in range(50_000)]),
            "order": pa.array([f"o-{i:012d}" for i in range(start, start + n)]),
            **{f"truth_{i}": rng.random(n) > 0.5 for i in range(2)},
            "at": pa.array(first).cast(utc),
            "paid_at": gappy(first + np.timedelta64(3600, "s")).cast(utc),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
