"""The simulation of intervals runs, and says how often each holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "evaluation.py"
SHORT = ("--repetitions", "2", "--rows", "100", "--truth", "5000")


def test_every_metric_is_counted_in_each_design() -> None:
    command = [sys.executable, str(BENCHMARK), *SHORT, "--only", "coverage"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in {0, 1}, done.stderr  # of two repetitions nothing is proven
    (line,) = (one for one in done.stdout.splitlines() if one.startswith("| `root_mean_squared_error` | "))
    assert line.count("%") == 9
