"""Interrupt a real run at any point: it ends in one line, without a stack trace, and leaves nothing half-written."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_platform_tests.flow.project import project_in

INTERRUPTED = "Interrupted. Nothing was half-written; the same command can be run again."
STAGES = ("features", "source", "snapshot", "split", "model", "evaluation", "report", "release", "staging")
LONGEST_SECONDS = 1.5


@pytest.mark.drill
def test_an_interrupted_run_says_one_line_and_leaves_no_trace(
    tmp_path: Path, drill_count: Callable[[int, int], int]
) -> None:
    rng = random.Random(20130701)
    with project_in(tmp_path, tracking=None) as project:
        for number in range(drill_count(1, 60)):
            stage, seconds = STAGES[number % len(STAGES)], rng.uniform(0, LONGEST_SECONDS)
            said = project.run_and_signal(signal.SIGINT, at=stage, after=seconds)  # a stack trace fails in there
            assert said.code in {0, 130}, (stage, seconds, said.err)  # 0: it was done before it heard
            assert said.code == 0 or said.err.strip() == INTERRUPTED, (stage, seconds)
            assert project.half_written() == []
