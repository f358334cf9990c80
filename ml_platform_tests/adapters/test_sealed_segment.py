"""Sealed segments tell nothing to whoever reads the disk, and find what was done to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ml_platform.adapters.envelope_header import HEADER_BYTES, versions_in
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.sealed_file import rewrap_file
from ml_platform.adapters.sealed_segment import SealedLines, place_of_segment, scan_sealed
from ml_platform.adapters.segments import Scan, SegmentWriter, segments_of
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform_tests.fakes.keys import FakeKeys

KEYS = FakeKeys()
ROWS = [b'{"secret":%d}' % number for number in range(5)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "production" / "toy"


@pytest.fixture
def segment(folder: Path) -> Path:
    writer = SegmentWriter(folder, SealedLines(KEYS))
    for row in ROWS:
        writer.append([row])
    writer.close()
    (found,) = segments_of(folder)
    return found


def rows_in(segment: Path) -> tuple[list[bytes], int, int]:
    seen = Scan()
    rows = list(scan_sealed(segment, seen, KEYS))
    return rows, seen.altered, seen.unfinished


def lines_of(segment: Path) -> tuple[bytes, list[bytes]]:
    content = segment.read_bytes()
    return content[:HEADER_BYTES], content[HEADER_BYTES:].splitlines(keepends=True)


def test_what_was_appended_is_read_and_nothing_of_it_is_on_the_disk(segment: Path) -> None:
    assert rows_in(segment) == (ROWS, 0, 0)
    assert b"secret" not in segment.read_bytes()


def test_the_same_payload_is_never_sealed_alike(folder: Path) -> None:
    writer = SegmentWriter(folder, SealedLines(KEYS))
    writer.append([b"same", b"same", b"same"])
    writer.close()
    assert len(set(lines_of(segments_of(folder)[0])[1])) == 3


def test_a_crash_at_the_end_is_an_unfinished_line_and_no_tampering(segment: Path) -> None:
    content = segment.read_bytes()
    for cut in (1, 5, 40):
        segment.write_bytes(content[:-cut])
        assert rows_in(segment) == (ROWS[:4], 0, 1)


def test_a_writer_killed_at_the_beginning_leaves_nothing_that_stops_the_reader(segment: Path) -> None:
    content = segment.read_bytes()
    for cut, unfinished in ((0, 0), (4, 1), (HEADER_BYTES - 1, 1), (HEADER_BYTES, 0)):
        segment.write_bytes(content[:cut])
        assert rows_in(segment) == ([], 0, unfinished)


@pytest.mark.parametrize(
    ("order", "kept", "altered"),
    [
        ([0, 2, 3, 4], [0, 2, 3, 4], 1),
        ([2, 3, 4], [2, 3, 4], 2),
        ([0, 1, 1, 2, 3, 4], [0, 1, 2, 3, 4], 1),
        ([1, 0, 2, 3, 4], [1, 2, 3, 4], 2),
        ([0, 1, 2], [0, 1, 2], 0),
    ],
    ids=["one taken out", "the first taken out", "one doubled", "two exchanged", "the last cut off: not to be seen"],
)
def test_lines_taken_out_doubled_or_moved_count_as_altered(
    segment: Path, order: list[int], kept: list[int], altered: int
) -> None:
    header, lines = lines_of(segment)
    segment.write_bytes(header + b"".join(lines[at] for at in order))
    assert rows_in(segment) == ([ROWS[at] for at in kept], altered, 0)


def test_an_altered_line_costs_that_line_alone_and_is_counted_once(segment: Path) -> None:
    header, lines = lines_of(segment)
    flipped = bytearray(lines[2])
    flipped[20] ^= 1
    segment.write_bytes(header + b"".join([*lines[:2], flipped, *lines[3:]]))
    assert rows_in(segment) == ([*ROWS[:2], *ROWS[3:]], 1, 0)


def test_lines_of_another_segment_are_not_taken_in(segment: Path, folder: Path) -> None:
    writer = SegmentWriter(folder / "other", SealedLines(KEYS))
    writer.append(ROWS)
    writer.close()
    header, lines = lines_of(segment)
    foreign = lines_of(segments_of(folder / "other")[0])[1]
    segment.write_bytes(header + b"".join([*lines[:4], foreign[4]]))
    assert rows_in(segment) == (ROWS[:4], 1, 0)


def test_a_segment_of_another_model_environment_or_name_is_refused(segment: Path, tmp_path: Path) -> None:
    for place in ("production/other", "staging/toy", "production/toy"):
        name = "renamed.log" if place == "production/toy" else segment.name
        moved = tmp_path / place / name
        moved.parent.mkdir(parents=True, exist_ok=True)
        moved.write_bytes(segment.read_bytes())
        with pytest.raises(DataInvalid, match="another file in its place"):
            rows_in(moved)


def test_a_write_that_was_taken_back_uses_up_its_nonce_and_no_number(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(folder, SealedLines(KEYS))
    writer.append(ROWS[:1])

    def full(file: int, content: memoryview) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(Unavailable):
            writer.append([b"lost"])
    writer.append(ROWS[1:])
    writer.close()
    (segment,) = segments_of(folder)
    assert rows_in(segment) == (ROWS, 0, 0)
    assert writer._cover._count == len(ROWS) + 1  # type: ignore[attr-defined]


def test_a_segment_whose_beginning_cannot_be_written_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, content: memoryview) -> int:
        raise OSError(28, "No space left on device")

    writer = SegmentWriter(folder, SealedLines(KEYS))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(Unavailable, match="No space left"):
            writer.append(ROWS)
    assert segments_of(folder) == []
    writer.append(ROWS)
    writer.close()
    assert rows_in(segments_of(folder)[0]) == (ROWS, 0, 0)


def test_lost_keys_are_a_problem_of_the_log_until_they_are_back(folder: Path, tmp_path: Path) -> None:
    keys = FileKeys(tmp_path)
    keys.current()
    (key,) = keys.folder.iterdir()
    hidden = key.rename(tmp_path / "hidden")
    writer = SegmentWriter(folder, SealedLines(keys))
    with pytest.raises(Unavailable, match="keys are lost"):
        writer.append(ROWS)
    writer.probe()
    assert "keys are lost" in writer.problem
    assert segments_of(folder) == []
    hidden.rename(key)
    writer.append(ROWS)
    assert writer.problem == ""
    writer.close()


def test_a_segment_is_rewrapped_while_it_is_written(folder: Path) -> None:
    keys = FakeKeys()
    writer = SegmentWriter(folder, SealedLines(keys))
    writer.append(ROWS[:2])
    (segment,) = segments_of(folder)
    old, new = keys.current(), keys.add()
    assert rewrap_file(segment, place_of_segment(segment), keys)
    keys.retire(old)
    writer.append(ROWS[2:])
    writer.close()
    assert list(scan_sealed(segment, Scan(), keys)) == ROWS
    assert versions_in(segment.read_bytes()) == (new,)
