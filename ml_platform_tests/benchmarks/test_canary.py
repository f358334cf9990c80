"""The simulation of canaries runs, and says how often equal versions are stopped and worse ones aren't."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "canary.py"


def test_shares_are_said_with_intervals_for_whole_trials_and_for_each_monitor() -> None:
    command = [sys.executable, str(BENCHMARK), "--runs", "8", "--requests", "400"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in {0, 1}, done.stderr  # of two runs nothing is proven
    assert "equal versions, 8 canaries of 400 requests" in done.stdout
    rows = [one for one in done.stdout.splitlines() if one.startswith(("| errors", "| latency", "| outcomes"))]
    assert len(rows) == 9
    assert all(one.count("[") == 2 for one in rows)
