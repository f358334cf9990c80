from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.core.code_tests import By, Tried
from ml_platform.core.errors import DataInvalid
from ml_platform.orchestration.desk import Desk
from ml_platform.orchestration.testing_code import code_tests_of, junit_path
from ml_platform.settings import Settings
from ml_platform.sources.read import fingerprint
from ml_platform.stages.code_tests import try_code
from ml_platform.stages.snapshot import take_snapshot
from ml_platform.stages.split import make_split
from ml_platform_tests.orchestration.small_model import NOW, load_small, rows

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.code_tests import CodeTestsRecord
    from ml_platform.core.records import SnapshotRecord, SplitRecord
    from ml_platform.policy.spec import ModelSpec

GOOD = "def transform(columns, state):\n    return {'weight': columns['weight']}\n"
NAME = "written_parcel_features"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / f"{NAME}.py").write_text(GOOD)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.delitem(__import__("sys").modules, NAME, raising=False)
    file = load_small(tmp_path, ("ml_platform_tests.orchestration.small_features", NAME), table=rows(1500))
    settings = Settings(home=tmp_path / "home", mlflow_uri="", actor="robin", defs=None, only=())
    return Desk(file=file, platform=open_platform(settings), now=NOW, run_id="run-1")


def taken(desk: Desk) -> tuple[SnapshotRecord, SplitRecord]:
    source = fingerprint(desk.spec, now=NOW).record
    store = desk.platform.store
    snapshot = take_snapshot(desk.spec, store=store, source=source, as_of=None, reference=None, now=NOW).snapshot.record
    return snapshot, make_split(desk.spec, store=store, snapshot=snapshot, as_of=None).record


def test_code_is_tested_once_and_again_when_it_or_its_tests_change(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, split = taken(desk)
    count: list[int] = []
    real = try_code.try_on

    def counted(spec: ModelSpec, training: pd.DataFrame) -> CodeTestsRecord:
        count.append(1)
        return real(spec, training)

    monkeypatch.setattr(try_code, "try_on", counted)
    first = code_tests_of(desk, snapshot, split)
    assert {test.outcome for test in first.tests} <= {Tried.PASSED, Tried.NOT_APPLICABLE}
    assert code_tests_of(desk, snapshot, split) == first
    assert len(count) == 1
    root = ET.parse(junit_path(desk, first)).getroot()  # noqa: S314  our own file
    assert int(root.attrib["tests"]) == len(first.tests)

    own = tmp_path / "code" / "tests"
    own.mkdir()
    (own / "test_features.py").write_text("def test_wrong(): assert 1 == 2\n")
    second = code_tests_of(desk, snapshot, split)
    assert [test.outcome for test in second.by(By.TEAM)] == [Tried.FAILED]
    assert second.code_digest == first.code_digest
    code_tests_of(desk, snapshot, split)
    assert len(count) == 3  # what failed isn't remembered: it may have been the machine


def test_code_that_ends_its_process_is_kept_out_of_this_one(desk: Desk, tmp_path: Path) -> None:
    snapshot, split = taken(desk)
    (tmp_path / "code" / f"{NAME}.py").write_text("import os\ndef transform(columns, state): os._exit(3)\n")
    with pytest.raises(DataInvalid, match=r"parcels: the features module fails the test it_runs_on_real_rows"):
        code_tests_of(desk, snapshot, split)
    assert list((desk.platform.home / "reports").rglob("code_tests.xml"))


def test_rows_of_another_snapshot_prove_nothing(desk: Desk) -> None:
    snapshot, split = taken(desk)
    with pytest.raises(DataInvalid, match="they must belong together"):
        code_tests_of(desk, snapshot, replace(split, snapshot_digest="0" * 64))
