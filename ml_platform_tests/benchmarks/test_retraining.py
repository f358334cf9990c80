"""The benchmark of retraining plays every policy over the same windows, and says what each cost and brought."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "retraining.py"


def test_where_the_world_stays_the_platform_never_retrains_and_where_it_turns_it_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    size = 30_000
    frame = pd.DataFrame({"a": rng.normal(size=size), "b": rng.normal(size=size)})
    turned = np.arange(size) > size // 2
    for name, sign in (("calm", np.ones(size)), ("turned", np.where(turned, -1.0, 1.0))):
        late = rng.random(size) < 1 / (1 + np.exp(-2 * sign * frame["a"]))
        frame.assign(late=late.astype(int)).to_parquet(tmp_path / f"{name}.parquet")
    tables = [part for name in ("calm", "turned") for part in ("--parquet", str(tmp_path / f"{name}.parquet"), "late")]
    ordered = ["--in-order", str(tmp_path / "turned.parquet")]
    command = [sys.executable, str(BENCHMARK), "--rounds", "20", "--without-flights", *tables, *ordered]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    rules = [line for line in done.stdout.splitlines() if "the platform's rule" in line]
    assert " 0 trainings" in rules[0], done.stdout + done.stderr
    assert 1 <= int(rules[1].split(" trainings")[0].split()[-1]) <= 6
    assert "drift (PSI > 0.2)" in done.stdout
