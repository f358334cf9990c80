"""Labels are kept once per prediction; the first word stands and a contrary one is counted."""

from __future__ import annotations

import datetime as dt
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.adapters.labels import Appended, LabelStore
from ml_platform.adapters.segments import segments_of
from ml_platform.core.errors import DataInvalid, Unavailable

AT = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)


def test_a_label_is_read_by_its_prediction(tmp_path: Path) -> None:
    store = LabelStore(tmp_path)
    assert store.append("toy", [("a", 1, AT), ("b", 0.0, AT)]) == Appended(new=2, known=0, conflicts=0)
    found = LabelStore(tmp_path).read("toy")
    assert {key: label.label for key, label in found.by_prediction.items()} == {"a": 1.0, "b": 0.0}
    assert found.by_prediction["a"].at == AT
    assert found.conflict_share == 0.0


def test_the_same_labels_again_change_nothing(tmp_path: Path) -> None:
    LabelStore(tmp_path).append("toy", [("a", 1, AT)])
    before = [file.read_bytes() for file in segments_of(tmp_path / "labels" / "toy")]
    assert LabelStore(tmp_path).append("toy", [("a", 1, AT)] * 3) == Appended(new=0, known=3, conflicts=0)
    assert [file.read_bytes() for file in segments_of(tmp_path / "labels" / "toy")] == before


def test_a_contrary_label_is_counted_and_the_first_word_stands(tmp_path: Path) -> None:
    store = LabelStore(tmp_path)
    store.append("toy", [("a", 1, AT), ("b", 1, AT)])
    assert store.append("toy", [("a", 0, AT)]) == Appended(new=0, known=0, conflicts=1)
    assert store.append("toy", [("a", 0, AT), ("a", 1, AT)]) == Appended(new=0, known=1, conflicts=1)
    for found in (store.read("toy"), LabelStore(tmp_path).read("toy")):
        assert found.by_prediction["a"].label == 1.0
        assert found.conflicting == {"a"}
        assert found.conflict_share == 0.5


def test_a_class_is_kept_by_its_name_and_another_contradicts_it(tmp_path: Path) -> None:
    store = LabelStore(tmp_path)
    assert store.append("toy", [("a", "late", AT), ("b", "1", AT)]).new == 2
    again = [("a", "late", AT), ("a", "lost", AT)]
    assert store.append("toy", again) == Appended(new=0, known=1, conflicts=1)
    found = LabelStore(tmp_path).read("toy")
    assert {key: label.label for key, label in found.by_prediction.items()} == {"a": "late", "b": "1"}


def test_models_have_labels_of_their_own(tmp_path: Path) -> None:
    store = LabelStore(tmp_path)
    store.append("toy", [("a", 1, AT)])
    assert store.read("other").by_prediction == {}
    assert store.read("other").conflict_share is None


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        (("", 1, AT), "id is empty"),
        (("a", math.nan, AT), "finite"),
        (("a", "", AT), "name of a class"),
        (("a", 1, AT.replace(tzinfo=None)), "time zone"),
    ],
)
def test_one_bad_label_keeps_all_of_them_out(
    tmp_path: Path, label: tuple[str, float | str, dt.datetime], seen: str
) -> None:
    store = LabelStore(tmp_path)
    with pytest.raises(DataInvalid, match=seen):
        store.append("toy", [("good", 1, AT), label])
    assert store.read("toy").by_prediction == {}


def test_a_torn_line_costs_that_label_alone_and_can_be_sent_again(tmp_path: Path) -> None:
    LabelStore(tmp_path).append("toy", [("a", 1, AT), ("b", 1, AT)])
    (segment,) = segments_of(tmp_path / "labels" / "toy")
    segment.write_bytes(segment.read_bytes()[:-3])
    store = LabelStore(tmp_path)
    assert (set(store.read("toy").by_prediction), store.read("toy").torn) == ({"a"}, 1)
    assert store.append("toy", [("b", 1, AT)]).new == 1
    assert set(LabelStore(tmp_path).read("toy").by_prediction) == {"a", "b"}


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LabelStore(tmp_path)
    store.append("toy", [("a", 1, AT)])
    write = os.write

    def half(file: int, content: memoryview) -> int:
        if len(content) < 50:
            raise OSError(28, "No space left on device")
        return write(file, content[:30])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        with pytest.raises(Unavailable, match="No space left"):
            store.append("toy", [("b", 1, AT)])
    assert set(store.read("toy").by_prediction) == {"a"}
    assert store.append("toy", [("b", 1, AT)]).new == 1
    assert store.read("toy").torn == 0


def test_processes_append_at_the_same_time_without_losing_a_label(tmp_path: Path) -> None:
    code = (
        "import datetime as dt, sys; from pathlib import Path; from ml_platform.adapters.labels import LabelStore\n"
        "store = LabelStore(Path(sys.argv[1]))\n"
        "for n in range(40): store.append('toy', [(f'{n % 20}-{sys.argv[2] if n > 19 else 0}', 1, "
        "dt.datetime(2013, 7, 1, tzinfo=dt.UTC))])\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(one)]) for one in (1, 2, 3)]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    found = LabelStore(tmp_path).read("toy")
    assert (len(found.by_prediction), found.conflicting, found.torn) == (80, set(), 0)
    (segment,) = segments_of(tmp_path / "labels" / "toy")
    assert len(segment.read_bytes().splitlines()) == 80


@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), max_size=4), max_size=5))
def test_however_labels_are_grouped_the_first_word_stands(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[tuple[str, int]]]
) -> None:
    home = tmp_path_factory.mktemp("labels")
    store = LabelStore(home)
    for group in groups:
        store.append("toy", [(key, label, AT) for key, label in group])
    said = [pair for group in groups for pair in group]
    first = dict(reversed(said))
    found = LabelStore(home).read("toy")
    assert {key: label.label for key, label in found.by_prediction.items()} == first
    assert found.conflicting == {key for key, label in said if first[key] != label}
