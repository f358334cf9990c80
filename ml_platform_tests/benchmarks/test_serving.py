"""The comparison of the scoring service with its peers runs and compares like with like."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "serving.py"


def test_both_services_answer_the_same_and_the_ratio_is_said() -> None:
    command = [sys.executable, str(BENCHMARK), "--requests", "20", "--peers", "bare"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in {0, 1}, done.stderr
    assert "bare FastAPI         p50" in done.stdout
    assert "p50: ours / bare FastAPI, at most 0.6" in done.stdout


@pytest.mark.drill
def test_mlflows_own_server_answers_the_same_and_is_held_against_ours(drill_count: Callable[[int, int], int]) -> None:
    if not drill_count(0, 1):
        pytest.skip("takes a minute: `make drills`")
    command = [sys.executable, str(BENCHMARK), "--requests", "200"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in {0, 1}, done.stderr
    assert "CPU: mlflow / ours, at least 10" in done.stdout
    assert "after the disk at 32 connections: ours / mlflow" in done.stdout
