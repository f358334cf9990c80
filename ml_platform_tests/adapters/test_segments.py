"""Segments keep whole lines through crashes, full disks and altered bytes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.adapters.segments import Scan, SegmentWriter, is_written, line_of, scan, segments_of
from ml_platform.core.errors import Unavailable


class Bare:
    """Covers nothing, so that the lines themselves are seen."""

    def begin(self, segment: Path) -> bytes:
        return b""

    def seal(self, payload: bytes, number: int) -> bytes:
        return payload


def payloads_in(folder: Path) -> tuple[list[bytes], int]:
    seen = Scan()
    return [payload for segment in segments_of(folder) for payload in scan(segment, seen)], seen.torn


def test_what_was_appended_is_read_in_order(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, Bare())
    writer.append([b"1", b"2"])
    writer.append([b"3"])
    assert payloads_in(tmp_path) == ([b"1", b"2", b"3"], 0)
    writer.close()


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    closed: list[Path] = []
    writer = SegmentWriter(tmp_path, Bare(), segment_bytes=50, on_close=closed.append)
    for number in range(20):
        writer.append([b"%05d" % number])
    writer.close()
    assert payloads_in(tmp_path)[0] == [b"%05d" % number for number in range(20)]
    assert closed == segments_of(tmp_path)
    assert len(closed) > 3


def test_a_torn_last_line_costs_that_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "1.log"
    whole = line_of(b"first") + line_of(b"second")
    for cut in range(len(line_of(b"first")) + 1, len(whole)):
        file.write_bytes(whole[:cut])
        assert payloads_in(tmp_path) == ([b"first"], 1)


@given(st.integers(min_value=0, max_value=50), st.integers(min_value=1, max_value=255))
def test_an_altered_byte_costs_at_most_the_lines_it_touches(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    lines = [b'{"a":%d}' % number for number in range(3)]
    content = bytearray(b"".join(map(line_of, lines)))
    content[place % len(content)] ^= flip
    seen = Scan()
    file = tmp_path_factory.getbasetemp() / "altered.log"
    file.write_bytes(content)
    found = list(scan(file, seen))
    assert set(found) < set(lines)
    assert len(found) >= 1
    assert seen.torn >= 1


def test_a_full_disk_is_said_and_the_next_line_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SegmentWriter(tmp_path, Bare())
    writer.append([b"first"])
    write = os.write

    def half(file: int, content: memoryview) -> int:
        if len(content) < 20:
            raise OSError(28, "No space left on device")
        return write(file, content[:5])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        with pytest.raises(Unavailable, match=r"No space left on device.*make room"):
            writer.append([b"a second line that gets in by half"])
        assert "No space left" in writer.problem
    writer.append([b"third"])
    assert writer.problem == ""
    assert payloads_in(tmp_path) == ([b"first", b"third"], 0)
    assert len(segments_of(tmp_path)) == 1
    writer.close()


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    writer = SegmentWriter(tmp_path / "file" / "log", Bare())
    with pytest.raises(Unavailable, match="writing failed"):
        writer.append([b"x"])
    writer.probe()
    assert writer.problem
    writer.close()


def test_lines_reach_the_disk_in_the_background(tmp_path: Path) -> None:
    synced = threading.Event()
    writer = SegmentWriter(tmp_path, Bare(), sync_seconds=0.01)
    writer.append([b"x"])
    for _ in range(500):
        if writer.lag_seconds == 0.0:
            synced.set()
            break
        threading.Event().wait(0.01)
    assert synced.is_set()
    writer.close()


def test_a_disk_that_refuses_what_was_written_is_a_problem_until_the_next_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: int) -> None:
        raise OSError(5, "Input/output error")

    writer = SegmentWriter(tmp_path, Bare(), sync_seconds=3600)
    writer.append([b"first"])
    with monkeypatch.context() as patched:
        patched.setattr("ml_platform.adapters.segments.sync_data", refuse)
        writer._sync()
    assert "the disk refused" in writer.problem
    writer.append([b"second"])
    assert (writer.problem, len(segments_of(tmp_path))) == ("", 2)
    assert payloads_in(tmp_path) == ([b"first", b"second"], 0)
    monkeypatch.undo()
    writer._stop.set()
    writer.close()


def test_what_came_while_the_disk_was_busy_goes_there_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs, busy, free = [], threading.Event(), threading.Event()

    def slow(file: int) -> None:
        syncs.append(file)
        if len(syncs) > 1:  # the segment's beginning is brought there too
            busy.set()
            free.wait(20)

    monkeypatch.setattr("ml_platform.adapters.segments.sync_data", slow)
    writer = SegmentWriter(tmp_path, Bare(), sync_seconds=0)
    first = writer.append([b"1"])
    assert busy.wait(20)
    later = [writer.append([b"%d" % number]) for number in range(2, 34)]
    assert first is not None
    assert first not in later
    assert len(set(later)) == 1
    assert not first.done()
    free.set()
    for written in (first, later[0]):
        assert written is not None
        assert written.result(20) is None
    assert len(syncs) == 3
    writer.close()


def test_who_waits_for_a_disk_that_refuses_hears_of_it_and_the_next_line_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path, Bare(), sync_seconds=0)
    first = writer.append([b"1"])
    assert first is not None
    assert first.result(20) is None

    def refuse(file: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("ml_platform.adapters.segments.sync_data", refuse)
        second = writer.append([b"2"])
        assert second is not None
        with pytest.raises(Unavailable, match="the disk refused"):
            second.result(20)
    third = writer.append([b"3"])
    assert third is not None
    assert third.result(20) is None
    assert len(segments_of(tmp_path)) == 2
    writer.close()


def test_closing_brings_what_waits_to_the_disk(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, Bare(), sync_seconds=0)
    written = [writer.append([b"%d" % number]) for number in range(100)]
    writer.close()
    assert all(one is not None and one.done() and one.exception() is None for one in written)


def test_a_segment_is_written_as_long_as_its_writer_lives(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, Bare())
    writer.append([b"1"])
    (segment,) = segments_of(tmp_path)
    assert is_written(segment)
    writer.close()
    assert not is_written(segment)


def test_threads_append_whole_lines(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, Bare(), segment_bytes=2000)
    lines = [[b"%d-%d" % (thread, number) for number in range(200)] for thread in range(4)]

    def append(own: list[bytes]) -> None:
        for line in own:
            writer.append([line])

    threads = [threading.Thread(target=append, args=(own,)) for own in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    found, torn = payloads_in(tmp_path)
    assert (sorted(found), torn) == (sorted(line for own in lines for line in own), 0)
