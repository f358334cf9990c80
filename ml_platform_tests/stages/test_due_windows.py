"""A window is judged when it has ended, twice more for what came late, and again for labels: each once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.records import WindowRecord
from ml_platform.core.traffic import Label, Prediction
from ml_platform.policy.spec import Monitoring, WindowKind
from ml_platform.stages.due_windows import AT_ONCE, Due, due_windows, has_new_labels, waits_for_labels
from ml_platform.stages.periods import period_at
from ml_platform.stages.window import collect_window
from ml_platform_tests.stages.told_traffic import told, words

if TYPE_CHECKING:
    import pyarrow as pa

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def watching(kind: WindowKind = "day", end: dt.date | None = None) -> Monitoring:
    return Monitoring(
        window=kind, start=START.date(), end=end, retrain_when=(), cooldown_days=0, minimum_labels=1
    )  # fmt: skip


def record(window: str, digest: str = "d") -> WindowRecord:
    return WindowRecord(
        model="m", environment="production", window=window, digest=digest, predictions=1, labelled=0, errors=0,
        versions={"1": 1},
    )  # fmt: skip


def due(
    now: dt.datetime, *seen: str, monitoring: Monitoring | None = None, since: dt.datetime | None = START,
    labelled: tuple[WindowRecord, ...] = (),
) -> tuple[Due, ...]:  # fmt: skip
    return due_windows(
        monitoring or watching(), now=now, live_since=since, collected=[record(one) for one in seen],
        labelled_since=labelled,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["hour", "day", "month"])
def test_the_newest_window_is_due_once_it_has_ended_and_not_before(kind: WindowKind) -> None:
    first = period_at(kind, START)
    early, late = (due(first.end + dt.timedelta(seconds=s), monitoring=watching(kind)) for s in (-1, 0))
    assert not early
    assert [one.window for one in late] == [first.name]
    assert "has ended" in late[0].reason


def test_what_was_judged_is_not_due_and_the_two_before_a_new_one_are_looked_at_again() -> None:
    now = START + dt.timedelta(days=4)
    seen = ("2026-01-01", "2026-01-02", "2026-01-03")
    found = due(now, *seen)
    assert [one.window for one in found] == ["2026-01-04", "2026-01-03", "2026-01-02"]
    assert "what came late" in found[1].reason
    assert not due(now, *seen, "2026-01-04")
    assert due(now, *seen) == found, "a cause is the same at every tick"


def test_a_month_nobody_judged_is_made_up_for_with_the_newest_first() -> None:
    found = due(START + dt.timedelta(days=3), "2026-01-03")
    assert [one.window for one in found] == ["2026-01-02", "2026-01-01"]
    many = due(START + dt.timedelta(days=300))
    assert len(many) == AT_ONCE
    assert many[0].window == "2026-10-27"


def test_windows_from_before_anything_was_live_and_after_the_end_are_nobodys() -> None:
    now = START + dt.timedelta(days=10)
    assert not due(now, since=None)
    assert [one.window for one in due(now, since=START + dt.timedelta(days=8, hours=5))] == ["2026-01-10", "2026-01-09"]
    short = watching(end=dt.date(2026, 1, 3))
    assert [one.window for one in due(now, monitoring=short)] == ["2026-01-02", "2026-01-01"]


def test_labels_make_an_old_window_due_once_per_content() -> None:
    now, seen = START + dt.timedelta(days=1), ("2026-01-01",)
    first, again, other = (due(now, *seen, labelled=(record("2025-01-01", one),))[0] for one in ("a", "a", "b"))
    assert first == again
    assert first.cause != other.cause
    assert "labels have come" in first.reason


def test_only_a_label_for_a_scored_prediction_without_one_is_new(tmp_path: Path) -> None:
    at, period, store = START, period_at("day", START), FileArtefacts(tmp_path)
    predictions = [
        Prediction(
            id=name, at=at, event_time=at, model="m", environment="production", version=1, model_digest="x",
            status=200 if score else 422, score=score, latency_seconds=0.1,
        )
        for name, score in (("a", 0.5), ("b", 0.5), ("c", None))
    ]  # fmt: skip
    labels = words([Label(prediction_id="a", label=1.0, at=at)])
    kept = collect_window(
        "m", "production", period, predictions=told(predictions), words=labels, store=store, now=at
    ).record

    def said(*names: str) -> Iterator[pa.Table]:
        return words([Label(prediction_id=name, label=1.0, at=at) for name in names])

    assert not has_new_labels(store, kept, said("a", "c", "elsewhere"), now=at)
    assert not has_new_labels(store, kept, said(), now=at)
    assert has_new_labels(store, kept, said("a", "b"), now=at)
    early = at - dt.timedelta(seconds=1)
    assert not has_new_labels(store, kept, said("a", "b"), now=early)
    assert (waits_for_labels(said("a"), now=early), waits_for_labels(said("a"), now=at)) == (True, False)
    assert has_new_labels(FileArtefacts(tmp_path / "lost"), kept, (), now=at)
