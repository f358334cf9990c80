"""The comparison of tracked with bare training runs, and says each way's CPU time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tracking.py"


def test_the_cost_of_tracking_is_said() -> None:
    command = [sys.executable, str(BENCHMARK), "--rows", "500", "--pairs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in {0, 1}, done.stderr  # how much it is, a busy machine decides
    assert "first tracked run of a new home" in done.stdout
    assert "tracking costs " in done.stdout
