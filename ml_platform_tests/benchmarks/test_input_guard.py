"""The comparison of a service with a guard and one without runs, and looks at every row."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "input_guard.py"


@pytest.mark.drill
def test_what_a_guard_costs_is_said_and_every_row_is_looked_at(drill_count: Callable[[int, int], int]) -> None:
    if not drill_count(0, 1):
        pytest.skip("starts two services: `make drills`")
    command = [sys.executable, str(BENCHMARK), "--requests", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in {0, 1}, done.stderr
    assert "afterwards scored 550, flagged 0, dropped 0" in done.stdout
    assert "limit of the p50 ratio: 1.05" in done.stdout
