"""The comparison of the scoring service with a bare one runs and compares like with like."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "serving.py"


def test_both_services_answer_the_same_and_the_ratio_is_said() -> None:
    command = [sys.executable, str(BENCHMARK), "--requests", "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in {0, 1}, done.stderr
    assert "p50: ours" in done.stdout
    assert "limit of the p50 ratio: 0.8" in done.stdout
