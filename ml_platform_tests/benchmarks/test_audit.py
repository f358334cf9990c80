"""The benchmark of the audit chain runs, and says what an entry and a verification cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "audit.py"


def test_the_cost_of_the_audit_chain_is_said() -> None:
    command = [sys.executable, str(BENCHMARK), "--appends", "20", "--entries", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in {0, 1}, done.stderr  # how much it is, a busy machine decides
    assert "a commit" in done.stdout
    assert "50 entries verified in" in done.stdout
