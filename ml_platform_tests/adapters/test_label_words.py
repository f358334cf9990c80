"""Labels are compacted segment by segment, and each word is there once, whoever is killed when."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters import label_words, labels
from ml_platform.adapters.label_words import in_rows, segment_names
from ml_platform.adapters.labels import Appended, Labels, LabelStore
from ml_platform.adapters.segments import segments_of
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.traffic import Label

AT = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "SEGMENT_BYTES", 200)  # two labels


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store = LabelStore(tmp_path)
    for number in range(7):
        store.append("toy", [(f"p{number}", number % 2, AT + dt.timedelta(hours=number))])
    store.append("toy", [("p1", "late", AT), ("p2", 1, AT)])
    return tmp_path


def said(home: Path) -> list[Label]:
    return [one for table in LabelStore(home).words("toy") for one in in_rows(table)]


def known(home: Path) -> Labels:
    return LabelStore(home).read("toy")


def test_compacted_labels_are_read_as_they_were_and_the_newest_segment_stays(home: Path) -> None:
    before, words, folder = known(home), said(home), home / "labels" / "toy"
    count, names = LabelStore(home).count("toy"), segment_names(folder)
    newest = segments_of(folder)[-1]
    assert LabelStore(home).compact("toy") == len(names) - 1
    assert segments_of(folder) == [newest]
    assert (known(home), said(home), LabelStore(home).count("toy")) == (before, words, count)
    assert (count, before.conflicting) == (9, {"p1", "p2"})
    assert LabelStore(home).compact("toy") == 0


def test_what_is_appended_to_compacted_labels_knows_their_words(home: Path) -> None:
    LabelStore(home).compact("toy")
    more = [("p0", 0, AT), ("p3", 0, AT), ("new", 1, AT)]
    assert LabelStore(home).append("toy", more) == Appended(new=1, known=1, conflicts=1)
    for number in range(4):
        LabelStore(home).append("toy", [(f"later{number}", 1, AT)])
    names = segment_names(home / "labels" / "toy")
    assert names == [f"{number:08d}" for number in range(len(names))]
    assert [one.prediction_id for one in said(home)][-5:] == ["new", "later0", "later1", "later2", "later3"]


def test_who_has_read_a_part_of_a_segment_hears_the_rest_once_it_is_compacted(home: Path) -> None:
    watching = LabelStore(home)
    watching.read("toy")
    for number in range(4):
        LabelStore(home).append("toy", [(f"later{number}", 1, AT)])
    LabelStore(home).compact("toy")
    assert watching.read("toy") == known(home)
    assert watching.append("toy", [("later0", 1, AT)]) == Appended(new=0, known=1, conflicts=0)


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.mark.parametrize("step", ["rename", "unlink"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_kill_at_any_point_leaves_every_word_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, step: str, times: int
) -> None:
    words, done, original = said(home), [], getattr(Path, step)

    def killed(path: Path, *given: object) -> object:
        done.append(path)
        if len(done) == times:
            raise Killed
        return original(path, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, killed)
        with pytest.raises(Killed):
            LabelStore(home).compact("toy")
    assert said(home) == words
    LabelStore(home).compact("toy")
    assert said(home) == words
    assert len(segments_of(home / "labels" / "toy")) == 1
    assert not list((home / "labels" / "toy").glob(f"{label_words.DRAFT}*"))


def test_torn_lines_stay_counted(home: Path) -> None:
    segment = segments_of(home / "labels" / "toy")[0]
    segment.write_bytes(segment.read_bytes().replace(b'"p0"', b'"q0"'))
    count = LabelStore(home).count("toy")
    for _ in range(2):
        assert (known(home).torn, "p0" in known(home).by_prediction) == (1, False)
        assert LabelStore(home).count("toy") == count
        LabelStore(home).compact("toy")


def test_a_file_that_was_altered_is_refused(home: Path) -> None:
    LabelStore(home).compact("toy")
    file = home / "labels" / "toy" / "00000000.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 4] ^= 1
    for altered in (bytes(content), b"no Parquet"):
        file.write_bytes(altered)
        with pytest.raises(DataInvalid, match="no file of labels"):
            said(home)
    with pytest.raises(DataInvalid, match="no file of labels"):
        LabelStore(home).count("toy")


def test_a_disk_that_keeps_something_else_loses_no_label(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = said(home)
    with monkeypatch.context() as patched:
        patched.setattr(label_words, "_read", lambda path: label_words.Words(label_words.in_columns([]), 0))
        with pytest.raises(DataInvalid, match="the disk may be failing"):
            LabelStore(home).compact("toy")
    assert said(home) == words


def test_a_disk_that_refuses_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = said(home)

    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(label_words, "sync", refuse)
        with pytest.raises(Unavailable, match="No space left"):
            LabelStore(home).compact("toy")
    assert said(home) == words


def test_what_is_compacted_while_it_is_read_is_read_all_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, names = said(home), segment_names

    def compacted_meanwhile(folder: Path) -> list[str]:
        found = names(folder)
        LabelStore(home).compact("toy")
        return found

    monkeypatch.setattr(labels, "segment_names", compacted_meanwhile)
    assert said(home) == words
    assert LabelStore(home).count("toy") == len(words)


def test_without_labels_there_is_nothing(tmp_path: Path) -> None:
    store = LabelStore(tmp_path)
    assert (list(store.words("toy")), store.count("toy"), store.compact("toy")) == ([], 0, 0)
