"""The traffic log gives back every prediction by event time."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from ml_platform.adapters.sealed_segment import SealedLines
from ml_platform.adapters.segments import SegmentWriter, line_of, segments_of
from ml_platform.adapters.traffic_log import RANGE_SUFFIX, TrafficLog, read, read_rollout
from ml_platform.core.errors import DataInvalid
from ml_platform.core.traffic import Prediction
from ml_platform_tests.core.test_rollout import PLAIN as ROLLOUT
from ml_platform_tests.fakes.keys import FakeKeys

KEYS = FakeKeys()
START = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)


def prediction(number: int, hours: int | None = None) -> Prediction:
    return Prediction(
        id=f"p{number}", at=START + dt.timedelta(days=900, seconds=number),
        event_time=START + dt.timedelta(hours=number if hours is None else hours), model="toy",
        environment="production", version=3, model_digest="m" * 64, status=200, score=0.1 + 0.2, latency_seconds=0.001,
        inputs={"a": 1, "b": None, "c": "x", "d": 0.1, "e": True}, unseen=("c",),
    )  # fmt: skip


def filled(folder: Path, predictions: list[Prediction], segment_bytes: int = 16 << 20) -> None:
    log = TrafficLog(folder, keys=KEYS, segment_bytes=segment_bytes)
    for one in predictions:
        log.append([one])
    log.close()


def test_a_prediction_comes_back_as_it_was(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(1)])
    assert read(tmp_path, keys=KEYS).predictions == [prediction(1)]


def test_a_window_holds_its_start_and_not_its_end(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(number) for number in (5, 1, 3, 2, 4)])
    found = read(tmp_path, START + dt.timedelta(hours=2), START + dt.timedelta(hours=4), keys=KEYS)
    assert [one.id for one in found.predictions] == ["p2", "p3"]


def test_a_missing_folder_is_no_traffic(tmp_path: Path) -> None:
    assert read(tmp_path / "nothing", keys=KEYS).predictions == []


def test_segments_outside_the_window_are_not_read(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(number) for number in range(40)], segment_bytes=2000)
    segments = segments_of(tmp_path)
    assert len(segments) > 5
    last = segments[-1]
    last.write_bytes(b"x" * last.stat().st_size)
    window = (START, START + dt.timedelta(hours=3))
    found = read(tmp_path, *window, keys=KEYS)
    assert ([one.id for one in found.predictions], found.torn) == (["p0", "p1", "p2"], 0)
    with pytest.raises(DataInvalid, match=last.name):
        read(tmp_path, keys=KEYS)


def test_a_range_that_does_not_fit_its_segment_is_not_believed(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(1)])
    filled(tmp_path, [prediction(9000), prediction(9001)])
    ranges = [segment.with_suffix(RANGE_SUFFIX) for segment in segments_of(tmp_path)]
    ranges[1].write_bytes(ranges[0].read_bytes())
    assert len(read(tmp_path, START + dt.timedelta(hours=9000), keys=KEYS).predictions) == 2
    ranges[0].write_bytes(b"{")
    assert len(read(tmp_path, keys=KEYS).predictions) == 3


def test_torn_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    filled(tmp_path, [prediction(1), prediction(2)])
    (segment,) = segments_of(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-10])
    found = read(tmp_path, keys=KEYS)
    assert ([one.id for one in found.predictions], found.torn) == (["p1"], 1)


def test_several_writers_share_a_folder(tmp_path: Path) -> None:
    logs = [TrafficLog(tmp_path, keys=KEYS), TrafficLog(tmp_path, keys=KEYS)]
    for number in range(10):
        logs[number % 2].append([prediction(number)])
    assert len(read(tmp_path, keys=KEYS).predictions) == 10
    for log in logs:
        log.close()


def test_a_refused_request_is_kept_without_a_score(tmp_path: Path) -> None:
    refused = dataclasses.replace(prediction(1), status=422, score=None, inputs={}, unseen=())
    filled(tmp_path, [refused])
    assert read(tmp_path, keys=KEYS).predictions == [refused]


def test_a_line_of_another_version_is_said_in_words(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, SealedLines(KEYS))
    writer.append([b'{"id": 7}'])
    writer.close()
    with pytest.raises(DataInvalid, match=r"\.log: a line is whole but no Prediction as this version knows it"):
        read(tmp_path, keys=KEYS)


def test_plain_segments_of_an_earlier_version_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "00000000.log").write_bytes(line_of(b'{"id": 7}'))
    with pytest.raises(DataInvalid, match=r"plain text.*ml-platform keys seal"):
        read(tmp_path, keys=KEYS)


def test_what_nobody_got_is_read_by_who_asks_for_it_alone(tmp_path: Path) -> None:
    shadow = dataclasses.replace(prediction(2), route="shadow", pair="p1")
    canary = dataclasses.replace(prediction(3), route="canary")
    failed = dataclasses.replace(canary, status=500, score=None, pair="p1", event_time=shadow.event_time)
    filled(tmp_path, [prediction(1), shadow, failed, canary])
    assert read(tmp_path, keys=KEYS).predictions == [prediction(1), canary]
    assert read(tmp_path, keys=KEYS, with_pairs=True).predictions == [prediction(1), shadow, failed, canary]


def test_a_rollout_is_read_with_what_its_champion_did_in_the_hour_before(tmp_path: Path) -> None:
    since = dt.datetime.now(tz=dt.UTC)
    begun = dataclasses.replace(ROLLOUT, rollout_id="r1", champion=3, since=since)

    def answered(number: int, minutes: float, **more: Any) -> Prediction:
        return dataclasses.replace(prediction(number), at=since + dt.timedelta(minutes=minutes), **more)

    drawn = answered(3, 3, rollout="r1")
    failed = answered(2, 2, rollout="r1", route="canary", status=500, score=None, pair="p3")
    others = [answered(4, 4), answered(5, -5, version=2), answered(7, -70), answered(8, -8, pair="p9")]
    filled(tmp_path, [drawn, failed, *others, answered(1, -1), answered(6, -6)])
    found = read_rollout(tmp_path, begun, keys=KEYS)
    assert (found.tried, [one.id for one in found.before]) == ([failed, drawn], ["p6", "p1"])
    assert read_rollout(tmp_path, dataclasses.replace(begun, rollout_id="r2"), keys=KEYS).tried == []
