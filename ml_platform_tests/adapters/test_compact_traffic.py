"""Compacting keeps every prediction exactly once, whenever it is killed and whoever reads or writes meanwhile."""

from __future__ import annotations

import dataclasses
import datetime as dt
import fcntl
import os
import time
from pathlib import Path

import pytest

from ml_platform.adapters import compact_traffic, traffic_days
from ml_platform.adapters.compact_traffic import compact, days_in, size_of
from ml_platform.adapters.keep_traffic import DROPPED, keep_within
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.sealed_home import sealed_files
from ml_platform.adapters.sealed_segment import scan_sealed
from ml_platform.adapters.segments import is_written, segments_of
from ml_platform.adapters.traffic_days import days_of
from ml_platform.adapters.traffic_log import TrafficLog, read, read_answered
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.traffic import Prediction
from ml_platform_tests.fakes.keys import FakeKeys
from ml_platform_tests.fakes.ledger import FakeLedger

KEYS = FakeKeys()
START = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def prediction(number: int, *, days: float = 0.0) -> Prediction:
    return Prediction(
        id=f"p{number:05d}", at=NOW + dt.timedelta(days=days, seconds=number),
        event_time=START + dt.timedelta(hours=number), model="toy", environment="production", version=3,
        model_digest="m" * 64, status=200, score=0.1 + 0.2, latency_seconds=0.001,
        inputs={"a": 1, "b": None, "c": "é", "d": 0.1, "e": True, "f": 1.0}, unseen=("c",),
    )  # fmt: skip


def filled(folder: Path, predictions: list[Prediction]) -> None:
    log = TrafficLog(folder, keys=KEYS, segment_bytes=4000)
    for one in predictions:
        log.append([one])
    log.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "traffic" / "production" / "toy"


def test_what_was_compacted_is_read_as_it_was_and_takes_less_room(folder: Path) -> None:
    said = [*map(prediction, range(200)), prediction(200, days=1)]
    refused = dataclasses.replace(prediction(201), status=422, score=None, inputs={}, unseen=())
    filled(folder, [*said, refused])
    done = compact(folder, keys=KEYS)
    assert read(folder, keys=KEYS).predictions == [*said, refused]
    assert (done.predictions, done.days, done.problems) == (202, ("2026-01-01", "2026-01-02"), ())
    assert done.bytes_after < done.bytes_before / 3
    assert segments_of(folder) == []
    assert [(day.day, day.predictions) for day in days_in(folder, keys=KEYS)] == [
        ("2026-01-01", 201), ("2026-01-02", 1)
    ]  # fmt: skip
    assert not any(b"p00001" in path.read_bytes() for path in folder.iterdir())


def test_a_window_is_read_from_days_and_segments_together(folder: Path) -> None:
    filled(folder, [prediction(number) for number in range(0, 40, 2)])
    compact(folder, keys=KEYS)
    filled(folder, [prediction(number) for number in range(1, 40, 2)])
    found = read(folder, START + dt.timedelta(hours=5), START + dt.timedelta(hours=9), keys=KEYS)
    assert [one.id for one in found.predictions] == [f"p{number:05d}" for number in range(5, 9)]


def test_compacting_again_and_again_makes_one_file_a_day(folder: Path) -> None:
    for number in range(6):
        filled(folder, [prediction(number)])
        assert compact(folder, keys=KEYS).predictions == 1
    assert len(days_of(folder)) == 1
    assert compact(folder, keys=KEYS).segments == 0
    assert read(folder, keys=KEYS).predictions == list(map(prediction, range(6)))


def test_a_day_whose_file_is_large_gets_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact_traffic, "DAY_FILE_BYTES", 1)
    for number in range(3):
        filled(folder, [prediction(number)])
        compact(folder, keys=KEYS)
    assert len(days_of(folder)) == 3
    assert read(folder, keys=KEYS).predictions == list(map(prediction, range(3)))


def test_the_segment_of_a_writer_that_lives_is_left_to_it_and_that_of_a_killed_one_is_taken(folder: Path) -> None:
    living = TrafficLog(folder, keys=KEYS)
    living.append([prediction(1)])
    filled(folder, [prediction(2)])
    assert compact(folder, keys=KEYS).predictions == 1
    living.append([prediction(3)])
    assert len(read(folder, keys=KEYS).predictions) == 3
    assert living._writer._file is not None
    os.close(living._writer._file)  # as the kernel does for who is killed; no range was written
    living._writer._file = None
    for _ in range(500):
        if not any(map(is_written, segments_of(folder))):
            break
        time.sleep(0.01)
    assert compact(folder, keys=KEYS).predictions == 2
    assert [one.id for one in read(folder, keys=KEYS).predictions] == ["p00001", "p00002", "p00003"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


STEPS = ["write", "after write", "between days", "older", "first segment", "second segment"]


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_point_leaves_every_prediction_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    said = [prediction(number, days=number % 2) for number in range(60)]
    filled(folder, said[:10])
    compact(folder, keys=KEYS)
    filled(folder, said[10:])
    writes: list[Path] = []
    unlinked: list[Path] = []
    unlink = Path.unlink

    def write_day(*arguments: object, **named: object) -> Path:
        if step == "write":
            (folder / f"{traffic_days.DRAFT}half").write_bytes(b"half a file")
            raise Killed
        writes.append(traffic_days.write_day(*arguments, **named))  # type: ignore[arg-type]
        if (step, len(writes)) in {("after write", 1), ("between days", 2)}:
            raise Killed
        return writes[-1]

    def unlinking(path: Path, *, missing_ok: bool = False) -> None:
        kinds = [each.suffix for each in unlinked]
        if (step == "older" and path.suffix == ".parquet" and writes) or (
            path.suffix == ".log" and kinds.count(".log") == {"first segment": 0, "second segment": 1}.get(step, 99)
        ):
            raise Killed
        unlinked.append(path)
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(compact_traffic, "write_day", write_day)
        patched.setattr(Path, "unlink", unlinking)
        with pytest.raises(Killed):
            compact(folder, keys=KEYS)
    every = sorted(said, key=lambda one: one.event_time)
    assert read(folder, keys=KEYS).predictions == every
    compact(folder, keys=KEYS)
    assert read(folder, keys=KEYS).predictions == every
    assert (segments_of(folder), len(days_of(folder)), list(folder.glob(f"{traffic_days.DRAFT}*"))) == ([], 2, [])


def test_torn_lines_stay_counted(folder: Path) -> None:
    filled(folder, [prediction(1), prediction(2)])
    (segment,) = segments_of(folder)
    segment.write_bytes(segment.read_bytes()[:-10])
    compact(folder, keys=KEYS)
    found = read(folder, keys=KEYS)
    assert ([one.id for one in found.predictions], found.torn) == (["p00001"], 1)
    assert read(folder, START + dt.timedelta(days=9), keys=KEYS).torn == 0


def test_a_segment_that_is_none_is_said_and_left(folder: Path) -> None:
    filled(folder, [prediction(1)])
    (folder / "0.log").write_bytes(b"0 {}\n")
    done = compact(folder, keys=KEYS)
    assert (done.segments, len(done.problems), [path.name for path in segments_of(folder)]) == (1, 1, ["0.log"])


def test_a_day_that_was_altered_is_refused(folder: Path) -> None:
    filled(folder, [prediction(1)])
    compact(folder, keys=KEYS)
    (day,) = days_of(folder)
    content = bytearray(day.read_bytes())
    content[-30] ^= 1
    day.write_bytes(content)
    with pytest.raises(DataInvalid, match="it isn't what was sealed here"):
        read(folder, keys=KEYS)
    filled(folder, [prediction(2)])
    with pytest.raises(DataInvalid, match="2026-01-01"):
        compact(folder, keys=KEYS)


def test_what_is_compacted_while_it_is_read_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = list(map(prediction, range(5)))
    filled(folder, said)
    calls: list[object] = []

    def scanning(*arguments: object) -> object:
        if not calls:
            calls.append(compact(folder, keys=KEYS))
        return scan_sealed(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("ml_platform.adapters.traffic_log.scan_sealed", scanning)
    assert read(folder, keys=KEYS).predictions == said
    assert calls


def test_only_one_compacts_at_a_time(folder: Path) -> None:
    folder.mkdir(parents=True)
    with (folder / compact_traffic.LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="another process is compacting"):
            compact(folder, keys=KEYS)


def test_days_are_sealed_and_their_keys_change_with_the_homes(tmp_path: Path, folder: Path) -> None:
    keys = FileKeys(tmp_path)
    log = TrafficLog(folder, keys=keys)
    log.append([prediction(1)])
    log.close()
    compact(folder, keys=keys)
    (sealed,) = [file for file in sealed_files(tmp_path) if file.path.parent == folder]
    old = keys.current()
    new = keys.add()
    assert sealed.versions() == (old,)
    assert sealed.rewrap(keys)
    assert sealed.versions() == (new,)
    assert len(read(folder, keys=FileKeys(tmp_path)).predictions) == 1


def test_oldest_days_are_dropped_only_down_to_the_size_and_never_without_a_word(folder: Path) -> None:
    for day in range(5):
        filled(folder, [prediction(100 * day + number, days=day) for number in range(50)])
    compact(folder, keys=KEYS)
    size = size_of(folder)
    ledger = FakeLedger()

    def kept(most_bytes: int) -> list[str]:
        found = keep_within(
            folder, most_bytes, keys=KEYS, ledger=ledger, actor="kim", subject="toy/production", now=NOW
        )
        return [day.day for day in found.dropped]

    assert kept(size) == []
    assert kept(size - 1) == ["2026-01-01", "2026-01-02"]
    assert ledger_words(ledger)[0]["predictions"] == 50
    assert kept(1) == ["2026-01-03", "2026-01-04"]
    assert [day.day for day in days_in(folder, keys=KEYS)] == ["2026-01-05"]
    assert len(ledger_words(ledger)) == 4


def ledger_words(ledger: FakeLedger) -> list[dict[str, object]]:
    return [dict(entry.payload) for entry in ledger.audit() if entry.action == DROPPED]


def test_what_was_answered_since_a_time_is_read_from_days_and_segments_and_older_days_stay_closed(folder: Path) -> None:
    filled(folder, [prediction(1), prediction(2, days=3)])
    compact(folder, keys=KEYS)
    days_of(folder)[0].write_bytes(b"isn't opened")
    filled(folder, [prediction(3, days=2), dataclasses.replace(prediction(4, days=4), pair="p")])
    found = read_answered(folder, NOW + dt.timedelta(days=2), keys=KEYS)
    assert [one.id for one in found] == ["p00003", "p00002", "p00004"]
    for segment in segments_of(folder):
        os.utime(segment, (0, 0))
    assert [one.id for one in read_answered(folder, NOW + dt.timedelta(days=2), keys=KEYS)] == ["p00002"]
