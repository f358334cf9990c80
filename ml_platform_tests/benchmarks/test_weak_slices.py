"""The benchmark of the search for weak slices runs, and says how often it cries wolf."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "weak_slices.py"


def test_it_says_how_often_something_is_found_where_there_is_nothing() -> None:
    command = [sys.executable, str(BENCHMARK), "--repetitions", "2", "--rows", "400"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    assert "nothing planted, n = 400, 2 repetitions" in done.stdout
    assert "beyond what is promised" in done.stdout
    assert done.stdout.count(": found ") == 6
