"""Sketching a table, and the drift of a batch against the sketch, against exact two-sample tests: CPU, side by side.

`python benchmarks/profile.py [--rows 120000] [--batch 5000] [--repeats 5]`. Twenty-four columns of the kinds that
tables hold: smooth, skewed, few whole numbers, gaps, levels. The baseline reads both tables' columns and calls scipy's
`ks_2samp` on numbers and pandas' `value_counts` on levels, the platform the stored text of the sketch. Both are
measured in the same process, in turn, by the median of the repeats. Ends with 1 when the drift costs more than a third
of the exact tests, or a distance differs by more than 0.001.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.profile import profile
from ml_platform.stages.profile_drift import compare_with_sketch
from ml_platform.stages.sketches import merge, sketch

COST_LIMIT = 1 / 3
ERROR_LIMIT = 0.001
Distances = Mapping[str, float]


def main() -> int:
    """Measure, print the ratios, and say whether they keep the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", 120_000), ("batch", 5_000), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    said = parser.parse_args()
    reference, batch = table(said.rows, seed=1), table(said.batch, seed=2)
    spec = spec_of(reference)
    stored = json.dumps(sketch(spec, reference))
    half = said.rows // 2
    merged = json.dumps(merge(sketch(spec, reference[:half]), sketch(spec, reference[half:])))
    cost = {
        "exact tests": cpu(lambda: exact(reference, batch), said.repeats),
        "drift against the sketch": cpu(lambda: drift(stored, batch), said.repeats),
        "profile": cpu(lambda: profile(spec, reference), said.repeats),
        "sketch": cpu(lambda: sketch(spec, reference), said.repeats),
    }
    for name, seconds in cost.items():
        print(f"{name}: {seconds:.3f} CPU s, {seconds / cost['exact tests']:.2f} of the exact tests")
    error = max(apart(exact(reference, batch), drift(text, batch)) for text in (stored, merged))
    ratio = cost["drift against the sketch"] / cost["exact tests"]
    print(f"largest difference of a distance, also of merged halves: {error:.5f} (limit {ERROR_LIMIT:g})")
    print(f"sketch: {len(stored) / 1e6:.1f} MB of JSON; drift costs {ratio:.2f} (limit {COST_LIMIT:.2f})")
    return int(ratio > COST_LIMIT or error > ERROR_LIMIT)


def table(rows: int, *, seed: int) -> pd.DataFrame:
    """Return a table whose second seed has drifted a little."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for number in range(5):
        columns[f"smooth_{number}"] = rng.normal(0.05 * seed * number, size=rows)
        columns[f"skewed_{number}"] = rng.lognormal(size=rows).round(2)
        columns[f"whole_{number}"] = rng.poisson(3 + number, rows).astype(np.float64)
        columns[f"gaps_{number}"] = np.where(rng.random(rows) < 0.2, np.nan, rng.gamma(2, size=rows))
    for number in range(4):
        columns[f"level_{number}"] = pd.Categorical(rng.integers(0, 10 ** (number + 1), rows).astype(str))
    return pd.DataFrame(columns)


def spec_of(frame: pd.DataFrame) -> ModelSpec:
    """Return a model file's schema for the table."""
    numeric = {name: {"type": "number", "missing": 1.0} for name in frame if frame[name].dtype.kind == "f"}
    levels = {name: {"type": "category"} for name in frame if name not in numeric}
    return ModelSpec.model_validate_json(
        json.dumps(
            {
                "model": "table", "purpose": "A table.", "owner": "owner@example.org", "risk_class": "minimal",
                "description": "A table.",
                "source": {
                    "tables": {"rows": {"kind": "file", "path": "rows.csv"}}, "licence": "CC0", "description": "Made.",
                },
                "contract": {**numeric, **levels}, "features": "features",
                "split": {
                    "kind": "time", "train_days": 1, "validation_days": 1, "calibration_days": 1, "holdout_days": 1,
                },
                "learner": {"kind": "lightgbm", "objective": "binary", "seed": 1, "threads": 1, "rounds": 1},
            }
        )
    )  # fmt: skip


def exact(reference: pd.DataFrame, batch: pd.DataFrame) -> Distances:
    """Return the exact distance of each column."""
    found = {}
    for name in reference:
        old, new = reference[name].dropna(), batch[name].dropna()
        if old.dtype.kind == "f":
            found[str(name)] = float(ks_2samp(old.to_numpy(), new.to_numpy(), method="asymp").statistic)
        else:
            shares = [each.value_counts(normalize=True) for each in (old, new)]
            found[str(name)] = float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)
    return found


def drift(stored: str, batch: pd.DataFrame) -> Distances:
    """Return the distance of each column from what was stored."""
    measured = compare_with_sketch(json.loads(stored), batch)
    return {
        each.subject: each.value
        for each in measured
        if each.metric in {"kolmogorov_smirnov", "total_variation"} and each.value is not None
    }


def apart(exactly: Distances, about: Distances) -> float:
    """Return the largest difference among columns whose levels are all named."""
    compared = [name for name in exactly if name != "level_3"]
    return max(abs(exactly[name] - about[name]) for name in compared)


def cpu(work: Callable[[], object], repeats: int) -> float:
    """Return the median CPU seconds of some runs, after one to warm up."""
    work()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    raise SystemExit(main())
