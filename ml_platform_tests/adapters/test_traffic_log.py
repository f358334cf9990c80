"""The traffic log gives back every prediction by event time."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters.segments import line_of, segments_of
from ml_platform.adapters.traffic_log import RANGE_SUFFIX, TrafficLog, read
from ml_platform.core.errors import DataInvalid
from ml_platform.core.traffic import Prediction

START = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)


def prediction(number: int, hours: int | None = None) -> Prediction:
    return Prediction(
        id=f"p{number}", at=START + dt.timedelta(days=900, seconds=number),
        event_time=START + dt.timedelta(hours=number if hours is None else hours), model="toy",
        environment="production", version=3, model_digest="m" * 64, status=200, score=0.1 + 0.2, latency_seconds=0.001,
        inputs={"a": 1, "b": None, "c": "x", "d": 0.1, "e": True}, unseen=("c",),
    )  # fmt: skip


def filled(folder: Path, predictions: list[Prediction], segment_bytes: int = 16 << 20) -> None:
    log = TrafficLog(folder, segment_bytes=segment_bytes)
    for one in predictions:
        log.append([one])
    log.close()


def test_a_prediction_comes_back_as_it_was(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(1)])
    assert read(tmp_path).predictions == [prediction(1)]


def test_a_window_holds_its_start_and_not_its_end(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(number) for number in (5, 1, 3, 2, 4)])
    found = read(tmp_path, START + dt.timedelta(hours=2), START + dt.timedelta(hours=4))
    assert [one.id for one in found.predictions] == ["p2", "p3"]


def test_a_missing_folder_is_no_traffic(tmp_path: Path) -> None:
    assert read(tmp_path / "nothing").predictions == []


def test_segments_outside_the_window_are_not_read(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(number) for number in range(40)], segment_bytes=2000)
    segments = segments_of(tmp_path)
    assert len(segments) > 5
    last = segments[-1]
    last.write_bytes(b"x" * last.stat().st_size)
    window = (START, START + dt.timedelta(hours=3))
    found = read(tmp_path, *window)
    assert ([one.id for one in found.predictions], found.torn) == (["p0", "p1", "p2"], 0)
    assert read(tmp_path).torn == 1


def test_a_range_that_does_not_fit_its_segment_is_not_believed(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(1)])
    (segment,) = segments_of(tmp_path)
    filled(tmp_path / "other", [prediction(9000), prediction(9001)])
    (other,) = segments_of(tmp_path / "other")
    segment.write_bytes(segment.read_bytes() + other.read_bytes())
    assert len(read(tmp_path, START + dt.timedelta(hours=9000)).predictions) == 2
    segment.with_suffix(RANGE_SUFFIX).write_bytes(b"{")
    assert len(read(tmp_path).predictions) == 3


def test_torn_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(1), prediction(2)])
    (segment,) = segments_of(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-10])
    found = read(tmp_path)
    assert ([one.id for one in found.predictions], found.torn) == (["p1"], 1)


def test_several_writers_share_a_folder(tmp_path: Path) -> None:
    logs = [TrafficLog(tmp_path), TrafficLog(tmp_path)]
    for number in range(10):
        logs[number % 2].append([prediction(number)])
    assert len(read(tmp_path).predictions) == 10
    for log in logs:
        log.close()


def test_a_refused_request_is_kept_without_a_score(tmp_path: Path) -> None:
    refused = dataclasses.replace(prediction(1), status=422, score=None, inputs={}, unseen=())
    filled(tmp_path, [refused])
    assert read(tmp_path).predictions == [refused]


def test_a_line_of_another_version_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "00000000.log").write_bytes(line_of(b'{"id": 7}'))
    with pytest.raises(DataInvalid, match=r"00000000\.log: a line is whole but no Prediction as this version knows it"):
        read(tmp_path)
