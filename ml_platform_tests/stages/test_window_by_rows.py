"""In columns a window is what it was row by row, whatever the log and the labels say."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.compact_traffic import compact
from ml_platform.adapters.labels import LabelStore
from ml_platform.adapters.segments import segments_of
from ml_platform.adapters.traffic_log import TrafficLog, read, read_columns
from ml_platform.core.traffic import Prediction
from ml_platform.stages.periods import period_named
from ml_platform.stages.window import collect_window, read_window
from ml_platform_tests.fakes.keys import FakeKeys
from ml_platform_tests.stages.window_by_rows import by_rows

KEYS = FakeKeys()
DAY = period_named("day", "2026-06-02")
NOW = DAY.end + dt.timedelta(days=3)
IDS = st.sampled_from(["a", "b", "c", "d", "é", "aa"])
HOURS = st.integers(-3, 27).map(lambda hour: DAY.start + dt.timedelta(hours=hour))
INPUTS = st.fixed_dictionaries(
    {"height": st.none() | st.floats(-9, 9) | st.integers(0, 9), "moon": st.none() | st.sampled_from(["new", "full"])},
    optional={"wet": st.booleans()},
)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    status = draw(st.sampled_from([200, 200, 200, 422, 503]))
    scores = draw(st.sampled_from([(), (0.25, 0.75), (0.5, 0.25, 0.25)]))
    score = draw(st.none() | st.sampled_from([0.25, 0.5])) if status == 200 else None
    return Prediction(
        id=draw(IDS), at=draw(HOURS), event_time=draw(HOURS), model="m", environment="production",
        version=draw(st.integers(1, 3)), model_digest="g", status=status, score=score, scores=scores,
        latency_seconds=draw(st.floats(0, 1)), inputs=draw(INPUTS), unseen=draw(st.sampled_from([(), ("moon",)])),
        pair=draw(st.sampled_from(["", "", "", "a"])),
    )  # fmt: skip


LOGS = st.lists(st.lists(st.tuples(predictions(), st.integers(1, 2)), min_size=1, max_size=6), max_size=3)
SAID = st.lists(
    st.tuples(IDS, st.sampled_from([0.0, 1.0, 2.0, "late"]), st.integers(-30, 150)), max_size=8
)  # hours after the day's start: some before it, some later than now


@pytest.fixture(autouse=True, scope="module")
def no_disk() -> Iterator[None]:
    """Wait for no disk: nobody pulls the plug here."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("fsync", "fdatasync"):
            patched.setattr(os, name, lambda file: None)
        yield


@settings(max_examples=12, deadline=None)
@given(LOGS, SAID, st.integers(0, 3), st.booleans())
def test_a_window_in_columns_is_what_it_was_row_by_row(
    tmp_path_factory: pytest.TempPathFactory,
    logs: list[list[tuple[Prediction, int]]],
    said: list[tuple[str, float | str, int]],
    compacted: int,
    torn: bool,
) -> None:
    home = tmp_path_factory.mktemp("home")
    folder = home / "log"
    for number, lines in enumerate(logs):
        log = TrafficLog(folder, keys=KEYS)
        log.append([one for one, times in lines for _ in range(times)])
        log.close()
        if torn:
            newest = segments_of(folder)[-1]
            newest.write_bytes(newest.read_bytes()[:-10])
        if number < compacted:
            compact(folder, keys=KEYS)
    labels = LabelStore(home)
    labels.append("m", [(name, label, DAY.start + dt.timedelta(hours=hours)) for name, label, hours in said])

    seen, heard, store = read(folder, DAY.start, DAY.end, keys=KEYS), labels.read("m"), FileArtefacts(home, KEYS)
    wanted = by_rows(DAY, seen.predictions, heard.by_prediction, heard.conflicting, NOW, seen.torn)
    columns = read_columns(folder, DAY.start, DAY.end, keys=KEYS)
    found = collect_window(
        "m", "production", DAY, predictions=columns.tables, words=labels.words("m"), store=store, now=NOW,
        torn=columns.torn,
    )  # fmt: skip

    assert found.record.facts == wanted.facts
    assert found.record.versions == wanted.versions
    assert list(found.measurements) == wanted.measurements
    assert found.record.labelled == wanted.frame["label"].notna().sum()
    frame = read_window(store, found.record)
    pd.testing.assert_frame_equal(plain(frame), plain(wanted.frame), check_like=True, check_dtype=False)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose missing values are all of one kind, without inputs that no row has a value of."""
    empty = [name for name in frame if str(name).startswith("input_") and frame[name].isna().all()]
    kept = frame.drop(columns=empty).astype(object)
    return kept.where(kept.notna(), None)
