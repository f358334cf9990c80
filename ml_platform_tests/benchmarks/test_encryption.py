"""The comparison of sealed with plain tables runs, and reads the same rows each way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "encryption.py"


def test_the_ratios_are_said() -> None:
    command = [sys.executable, str(BENCHMARK), "--rows", "2000", "--columns", "4", "--repeats", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    assert "2000 rows x 4 columns" in done.stdout
    assert "read sealed (as the store does)" in done.stdout
