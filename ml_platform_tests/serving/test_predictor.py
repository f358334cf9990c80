"""The predictor scores as the lightgbm package does, bit for bit, and loads nothing but the released bytes."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.scoring import Score
from ml_platform.serving.predictor import Predictor
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    GOOD_ROW,
    expected_scores,
    make_rows,
    put_model,
    trained_text,
)

ROWS = make_rows(200)


def load(home: Path, digest: str) -> Predictor:
    return Predictor.load(FileArtefacts(home), digest)


def test_many_rows_get_bit_for_bit_the_scores_of_the_lightgbm_package(tmp_path: Path) -> None:
    assert load(tmp_path, put_model(tmp_path)).score_rows(ROWS) == expected_scores(ROWS)


def test_a_row_alone_gets_bit_for_bit_the_score_it_gets_among_others(tmp_path: Path) -> None:
    predictor = load(tmp_path, put_model(tmp_path))
    assert [predictor.score_rows([row])[0] for row in ROWS] == expected_scores(ROWS)


def test_no_rows_get_no_scores(tmp_path: Path) -> None:
    assert load(tmp_path, put_model(tmp_path)).score_rows([]) == []


def test_a_row_of_missing_values_is_scored(tmp_path: Path) -> None:
    missing: dict[str, object] = dict.fromkeys(GOOD_ROW)
    assert load(tmp_path, put_model(tmp_path)).score_rows([missing]) == expected_scores([missing])


def test_threads_that_score_at_the_same_time_get_their_own_scores(tmp_path: Path) -> None:
    predictor = load(tmp_path, put_model(tmp_path))
    found: dict[int, list[Score]] = {}

    def score(thread: int) -> None:
        found[thread] = [predictor.score_rows([row])[0] for row in ROWS]

    threads = [threading.Thread(target=score, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [expected_scores(ROWS)] * 4


@pytest.mark.parametrize("name", ["model.txt", "features_state.json", "scoring.json", "features.py", "files.json"])
def test_an_altered_file_is_refused(tmp_path: Path, name: str) -> None:
    digest = put_model(tmp_path)
    file = tmp_path / "models" / digest / name
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataInvalid, match=r"was (sealed|stored)"):
        load(tmp_path, digest)


def test_the_files_of_another_model_in_its_place_are_refused(tmp_path: Path) -> None:
    good, other = put_model(tmp_path, seed=1), put_model(tmp_path, seed=2)
    for path in (tmp_path / "models" / other).iterdir():
        shutil.copy(path, tmp_path / "models" / good)
    with pytest.raises(DataInvalid, match="another file in its place"):
        load(tmp_path, good)


def test_a_model_stored_under_the_digest_of_another_is_refused(tmp_path: Path) -> None:
    store, digest = FileArtefacts(tmp_path), put_model(tmp_path)
    files = {name: store.read("models", digest, name) for name in store.names("models", digest)}
    store.put("models", "a" * 64, files)
    with pytest.raises(DataInvalid, match="only the exact model"):
        load(tmp_path, "a" * 64)


def test_a_model_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="isn't there"):
        load(tmp_path, "a" * 64)


def test_trees_with_other_features_than_the_contract_names_are_refused(tmp_path: Path) -> None:
    renamed = dataclasses.replace(CONTRACT, feature_names=tuple(reversed(CONTRACT.feature_names)))
    digest = put_model(tmp_path, contract=renamed)
    with pytest.raises(DataInvalid, match="trained on other features"):
        load(tmp_path, digest)


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("def transform(:", "can't be run"),
        ("import nothing_like_it", "can't be run"),
        ("x = 1", "no function transform"),
    ],
)
def test_features_that_cannot_be_used_are_refused(tmp_path: Path, source: str, seen: str) -> None:
    digest = put_model(tmp_path, source=source)
    with pytest.raises(DataInvalid, match=seen):
        load(tmp_path, digest)


def test_features_that_lack_one_are_refused_at_loading(tmp_path: Path) -> None:
    digest = put_model(tmp_path, source="def transform(columns, state):\n    return dict(columns)\n")
    with pytest.raises(DataInvalid, match="hour_sin"):
        load(tmp_path, digest)


def test_an_unknown_schema_version_is_refused(tmp_path: Path) -> None:
    digest = put_model(tmp_path, contract=dataclasses.replace(CONTRACT, schema_version=3))
    with pytest.raises(DataInvalid, match="schema version 3"):
        load(tmp_path, digest)


def test_scoring_imports_neither_the_lightgbm_package_nor_pandas(tmp_path: Path) -> None:
    digest = put_model(tmp_path)
    code = (
        "import sys; from pathlib import Path; from ml_platform.serving.predictor import Predictor\n"
        "from ml_platform.adapters.artefacts import FileArtefacts\n"
        f"scores = Predictor.load(FileArtefacts(Path({str(tmp_path)!r})), {digest!r}).score_rows([{GOOD_ROW!r}])\n"
        "heavy = {'lightgbm', 'pandas', 'sklearn', 'scipy', 'dagster', 'mlflow', 'pydantic', 'pyarrow'}\n"
        "print(scores, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{expected_scores([GOOD_ROW])} []"


def test_trees_of_several_classes_under_a_contract_of_two_are_refused(tmp_path: Path) -> None:
    text = (
        trained_text(1)
        .replace("num_class=1", "num_class=2")
        .replace("num_tree_per_iteration=1", "num_tree_per_iteration=2")
    )
    digest = put_model(tmp_path, text=text)
    with pytest.raises(DataInvalid, match="the trees give 2 scores a row"):
        load(tmp_path, digest)
