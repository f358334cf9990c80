"""Which windows are due on real stores: whatever the labels and the clock do, nothing is missed or asked for twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.labels import LabelStore
from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.core.records import WindowRecord
from ml_platform.core.traffic import Prediction
from ml_platform.orchestration.records import write_record
from ml_platform.orchestration.window_sensor import due_now
from ml_platform.policy.spec import Monitoring
from ml_platform.settings import Settings
from ml_platform.stages.due_windows import Due
from ml_platform.stages.periods import period_named
from ml_platform.stages.window import collect_window
from ml_platform_tests.stages.lock_world import MODEL, World, policy
from ml_platform_tests.stages.told_traffic import told

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
WATCHING = Monitoring(
    window="day", start=START.date(), end=dt.date(2026, 1, 4), retrain_when=(), cooldown_days=0, minimum_labels=1
)
WINDOWS = ("2026-01-01", "2026-01-02", "2026-01-03")
JUDGED = START + 3 * DAY


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    settings = Settings(home=tmp_path, mlflow_uri=f"sqlite:///{tmp_path / 'm.db'}", actor="robin", defs=None, only=())
    with open_platform(settings) as found:
        release = World(found.ledger, found.store, policy()).release("one")
        found.ledger.deploy(release, "production", actor="rita", reason="x", approvals=(), at=START)
        yield found


def collect(platform: Platform, window: str, *, now: dt.datetime, predictions: int = 2) -> WindowRecord:
    """Do what the job does when a window is asked for."""
    period = period_named("day", window)
    served = [
        Prediction(
            id=f"{window}/{number}", at=period.start, event_time=period.start, model=MODEL, environment="production",
            version=1, model_digest="x", status=200, score=0.5, latency_seconds=0.1,
        )
        for number in range(predictions)
    ]  # fmt: skip
    words = LabelStore(platform.home).words(MODEL)
    made = collect_window(
        MODEL, "production", period, predictions=told(served), words=words, store=platform.store, now=now
    ).record
    write_record(platform.home, (MODEL, "traffic"), made, window)
    return made


def collect_all(platform: Platform, *, predictions: int = 2) -> str:
    """Let every window be collected; return how far the labels were looked through."""
    for window in WINDOWS:
        collect(platform, window, now=JUDGED, predictions=predictions)
    due, heard = look(platform, JUDGED)
    assert due == []
    return heard


def look(platform: Platform, now: dt.datetime, heard: str | None = None) -> tuple[list[Due], str]:
    found, heard = due_now(MODEL, platform, WATCHING, heard=heard, now=now)
    return [] if isinstance(found, str) else list(found), heard


def say(platform: Platform, prediction: str, at: dt.datetime) -> None:
    LabelStore(platform.home).append(MODEL, [(prediction, 1.0, at)])


def test_a_label_that_comes_a_year_later_makes_its_window_due_once(platform: Platform) -> None:
    heard, later = collect_all(platform), JUDGED + 365 * DAY
    say(platform, "2026-01-02/0", later)
    (one,), heard = look(platform, later, heard)
    assert one.window == "2026-01-02"
    assert [again.cause for again in look(platform, later)[0]] == [one.cause]
    assert collect(platform, one.window, now=later).labelled == 1
    assert look(platform, later, heard)[0] == []


def test_a_label_from_the_future_makes_its_window_due_when_its_time_has_come(platform: Platform) -> None:
    heard = collect_all(platform)
    say(platform, "2026-01-03/0", JUDGED + 2 * DAY)
    due, heard = look(platform, JUDGED + DAY, heard)
    assert due == []
    due, heard = look(platform, JUDGED + 3 * DAY, heard)
    assert [one.window for one in due] == ["2026-01-03"]
    assert collect(platform, "2026-01-03", now=JUDGED + 3 * DAY).labelled == 1
    assert look(platform, JUDGED + 3 * DAY, heard)[0] == []


def test_a_label_that_comes_while_its_window_is_collected_is_not_missed(platform: Platform) -> None:
    for window in WINDOWS[:2]:
        collect(platform, window, now=JUDGED)
    due, heard = look(platform, JUDGED)
    assert WINDOWS[2] in {one.window for one in due}
    made = collect(platform, WINDOWS[2], now=JUDGED)
    (platform.home / "records" / MODEL / "traffic" / f"{WINDOWS[2]}.json").unlink()  # it isn't finished yet
    say(platform, "2026-01-03/1", JUDGED)
    _, heard = look(platform, JUDGED, heard)
    write_record(platform.home, (MODEL, "traffic"), made, WINDOWS[2])
    assert [one.window for one in look(platform, JUDGED, heard)[0]] == [WINDOWS[2]]


def test_a_label_of_no_prediction_makes_nothing_due(platform: Platform) -> None:
    heard = collect_all(platform)
    say(platform, "nobody's", JUDGED)
    assert look(platform, JUDGED, heard)[0] == []


def test_windows_without_a_row_are_judged_once(platform: Platform) -> None:
    heard = collect_all(platform, predictions=0)
    assert look(platform, JUDGED + 30 * DAY, heard)[0] == []


def test_a_clock_that_is_put_back_asks_for_nothing_twice_and_misses_nothing(platform: Platform) -> None:
    for window in WINDOWS[:2]:
        collect(platform, window, now=START + 2 * DAY)
    before, _ = look(platform, START + 2 * DAY)
    assert before == []
    assert look(platform, START + DAY)[0] == []
    assert look(platform, START - DAY)[0] == []
    first, again = (look(platform, JUDGED)[0] for _ in range(2))
    assert first == again
    assert [one.window for one in first] == [*WINDOWS[::-1]]  # the new one, and both before it once more
