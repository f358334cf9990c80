"""Rows unlike the training rows are counted once they are answered; what can't be looked at is dropped, and counted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_platform.core.input_guard import InputGuard
from ml_platform.learners.histograms import PValues, fit_detector
from ml_platform.serving import outliers
from ml_platform.serving.outliers import LookedAt, Outliers
from ml_platform.serving.request import Rows
from ml_platform.serving.status import notes_of
from ml_platform_tests.serving.asking import JSON, asking
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    GOOD_ROW,
    LEVELS,
    expected_scores,
    make_live,
    make_rows,
    matrix_of,
    put_model,
)

ROWS = make_rows(900)
MATRIX = matrix_of(ROWS)
CODES = np.isin(CONTRACT.feature_names, list(LEVELS))
DETECTOR = fit_detector(MATRIX[:500], MATRIX[500:], categorical=CODES, flagged_share=0.02)
STRANGE = {**GOOD_ROW, "distance": 0.0, "wind": 500.0, "account": 1e9, "carrier": "ZZ"}


def of_rows(rows: Rows) -> NDArray[np.float64]:
    return matrix_of(rows)


def until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not done() and time.monotonic() < ends:
        time.sleep(0.02)
    assert done()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outliers, "GATHER_SECONDS", 0.01)


def test_rows_are_looked_at_by_and_by_and_as_many_flagged_as_the_p_values_say() -> None:
    watch = Outliers(DETECTOR, of_rows)
    for start in range(0, 300, 60):
        watch.later(ROWS[start : start + 60])
    until(lambda: watch.tally.scored == 300)
    expected = int((PValues(DETECTOR).of(MATRIX[:300]) <= 0.02).sum())
    assert watch.tally == LookedAt(scored=300, flagged=expected, dropped=0)
    assert not watch.proven


def test_what_there_is_no_room_for_is_dropped_and_counted_and_nobody_waits() -> None:
    held = threading.Event()

    def slowly(rows: Rows) -> NDArray[np.float64]:
        held.wait(20)
        return matrix_of(rows)

    watch = Outliers(DETECTOR, slowly, most_waiting=50)
    watch.later(ROWS[:40])
    watch.later(ROWS[:40])
    watch.later(ROWS[:40])
    assert watch.tally.dropped == 70
    held.set()
    until(lambda: watch.tally.scored == 50)
    watch.later(ROWS[:10])
    until(lambda: watch.tally.scored == 60)


def test_rows_whose_features_fail_are_counted_as_dropped_and_the_next_are_looked_at(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing(rows: Rows) -> NDArray[np.float64]:
        if rows[0] is STRANGE:
            message = f"a value of the request: {rows[0]}"
            raise ValueError(message)
        return matrix_of(rows)

    watch = Outliers(DETECTOR, failing)
    watch.later([STRANGE, STRANGE])
    until(lambda: watch.tally.dropped == 2)
    watch.later([GOOD_ROW])
    until(lambda: watch.tally.scored == 1)
    assert "ValueError" in caplog.text
    assert "1000000000" not in caplog.text


def test_where_no_thread_can_be_started_rows_are_dropped_and_answers_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    watch = Outliers(DETECTOR, of_rows)
    monkeypatch.setattr(watch._thread, "submit", refuse)
    watch.later(ROWS[:3])
    watch.later(ROWS[:3])
    assert watch.tally.dropped == 6


def test_the_service_answers_first_and_tells_afterwards_how_many_rows_were_unlike_its_training_rows(
    tmp_path: Path,
) -> None:
    make_live(tmp_path, put_model(tmp_path, guard=InputGuard(detector=DETECTOR)))
    with asking(tmp_path) as asker:
        said = asker.score_rows([GOOD_ROW, STRANGE]).json
        assert said["predictions"] == expected_scores([GOOD_ROW, STRANGE])
        live = asker.app.follower.live
        assert live is not None
        assert live.outliers is not None
        watch = live.outliers
        until(lambda: watch.tally.scored == 2)
        assert watch.tally == LookedAt(scored=2, flagged=1, dropped=0)
        assert asker.ask("GET", "/health").json["notes"] == []
        metrics = asker.ask("GET", "/metrics").body.decode()
        assert 'ml_platform_outlier_rows{model="toy",version="1",what="flagged"} 1' in metrics
        asker.score_rows([STRANGE] * 40)
        until(lambda: watch.tally.scored == 42)
        health = asker.ask("GET", "/health").json
        assert (health["status"], health["problems"]) == ("ok", [])
        assert "unlike the training rows of v1 are proven to be more than" in health["notes"][0]
        body = json.dumps({"dataframe_records": [GOOD_ROW, STRANGE]}).encode()
        explained = asker.ask("POST", "/explain", [body], JSON).json["explanations"]
        assert [one["p_value"] for one in explained] == PValues(DETECTOR).of(matrix_of([GOOD_ROW, STRANGE])).tolist()
        until(lambda: watch.tally.scored == 44)
        asker.score_rows(ROWS)
        asker.score_rows(ROWS)
        until(lambda: watch.tally.scored == 1844)
        assert notes_of(live) == ()
