"""The fault benchmark runs on a real table and says what was found, with intervals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "faults.py"


def test_faults_and_clean_batches_are_counted_with_intervals(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARK), "--quick", "--detectors", "plain", "--raw", str(tmp_path / "raw.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert "| plain | 0.0% (0 of 4; 0.0%–60.2%) |" in done.stdout
    assert "| column dropped | 3 of 3 |" in done.stdout
    assert (tmp_path / "raw.jsonl").read_text().count('"alarm"') == 13
