"""The benchmarks of monitoring run, and say what alarms and windows cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks"


def said(name: str, *options: str) -> str:
    command = [sys.executable, str(FOLDER / name), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in {0, 1}, done.stderr  # how much it is, a busy machine decides
    return done.stdout


def test_false_alarms_a_year_and_the_wait_for_true_ones_are_said() -> None:
    text = said("false_alarms.py", "--years", "1", "--times", "2")
    assert "by month" in text
    assert "theory allows" in text


def test_the_cost_of_a_window_is_said() -> None:
    text = said("monitoring.py", "--rows", "2000", "--columns", "3")
    assert "a window of 2,000 predictions × 3 inputs, outcomes for all:\n  collecting: " in text
    assert "MB of segments became" in text
