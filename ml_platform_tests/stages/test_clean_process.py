"""Whatever a fresh process does is a measurement; nothing it does is an exception."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ml_platform.stages import clean_process
from ml_platform.stages.clean_process import measure_in_clean_process

GOOD = '{"digest":"d","scores":[0.25,0.5],"load_seconds":0.1,"scoring_latency_p99_seconds":0.01,"timed_calls":9,'
GOOD += '"peak_memory_bytes":1000}'


def child(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let the fresh process be a module of this test's own."""
    (folder / "pretended_check.py").write_text(code)
    monkeypatch.setattr(clean_process, "MODULE", "pretended_check")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def measured(folder: Path, scores: tuple[float, ...] = (0.25, 0.5), seconds: float = 60) -> dict[str, float | None]:
    found = measure_in_clean_process(folder, "d", [{"a": 1}, {"a": 2}], scores, wall_seconds=seconds)
    assert all(each.value is not None or each.reason for each in found)
    return {each.metric: each.value for each in found}


def test_what_the_process_says_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(tmp_path, monkeypatch, f"print('''{GOOD}''')")
    assert measured(tmp_path) == {
        "loads_in_clean_process": 1.0,
        "clean_scores_equal": 0.0,
        "scoring_latency_p99_seconds": 0.01,
        "peak_memory_bytes": 1000.0,
    }
    assert measured(tmp_path, (0.25, 0.75))["clean_scores_equal"] == 0.25
    assert measured(tmp_path, (0.25,))["clean_scores_equal"] is None


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit('it is broken')",
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "print('no json')",
        "",
        "import time; time.sleep(60)",
    ],
)
def test_a_process_that_fails_loads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    child(tmp_path, monkeypatch, code)
    found = measured(tmp_path, seconds=1.0)
    assert found.pop("loads_in_clean_process") == 0.0
    assert set(found.values()) == {None}


def test_a_process_that_loads_another_model_has_not_loaded_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(tmp_path, monkeypatch, f"print('''{GOOD}'''.replace('\"d\"', '\"x\"'))")
    assert measured(tmp_path)["loads_in_clean_process"] == 0.0


def test_a_process_that_can_not_be_started_loads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    assert measured(tmp_path)["loads_in_clean_process"] == 0.0
