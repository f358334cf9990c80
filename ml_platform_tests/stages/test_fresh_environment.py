"""A fresh environment is built once for a lock file, whole or not at all; what hinders it is said."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.records import EvaluationRecord
from ml_platform.core.reproduction import Kind
from ml_platform.stages.conditions import declare_conditions
from ml_platform.stages.differences import (
    environment_differences,
    features_differences,
    parameter_differences,
    platform_differences,
)
from ml_platform.stages.environment import Environment, read_environment
from ml_platform.stages.fresh_environment import FOLDER, fresh_python
from ml_platform.stages.kept_environment import keep_environment, read_kept
from ml_platform.stages.parquet import parquet_bytes
from ml_platform.stages.platform_code import ARCHIVE, keep_platform, platform_digest, platform_files, read_platform
from ml_platform.stages.rebuild import About
from ml_platform.stages.stage_parts import evaluation_parts
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.toy import repository, toy_spec

HERE = sys.version.partition(" ")[0]
ENVIRONMENT = Environment(
    python=f"CPython {HERE}", distributions=("lightgbm-4.7.0", "ml_platform-0.1.0"), lock_digest="f" * 64
)
LOCKED = {"uv.lock": b"version = 1\n", "pyproject.toml": b"[project]\n", "requirements.txt": b"lightgbm==4.7.0\n"}
LISTED = {"requirements.txt": LOCKED["requirements.txt"]}
GOOD = """\
#!/bin/sh
echo "$@" >>CALLS
[ "$1" != venv ] || {{ for last; do :; done; mkdir -p "$last/bin"; ln -s {python} "$last/bin/python"; }}
"""
BAD = """\
#!/bin/sh
[ "$1" = venv ] && exit 0
echo "error: no such wheel at https://user:word@index.example.org/simple/numpy, asked files.example.org" >&2
exit 2
"""


def installer(folder: Path, text: str) -> str:
    """Write a stand-in for uv, which notes what it is asked."""
    path = folder / "uv"
    path.write_text(text.format(python=sys.executable).replace("CALLS", str(folder / "calls")))
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize(("files", "said"), [(LOCKED, "sync --quiet --frozen"), (LISTED, "pip install --quiet")])
def test_an_environment_is_built_once_from_the_lock_or_else_from_the_list(
    tmp_path: Path, files: Mapping[str, bytes], said: str
) -> None:
    uv = installer(tmp_path, GOOD)
    python = fresh_python(ENVIRONMENT, files, home=tmp_path / "home", uv=uv)
    assert python.exists()
    assert fresh_python(ENVIRONMENT, files, home=tmp_path / "home", uv=uv) == python
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 2
    assert calls[0].startswith("venv")
    assert calls[1].startswith(said)


def test_a_lock_that_cannot_be_installed_is_named_without_addresses_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"recorded uv.lock \(.*no such wheel at ….*nothing half-built") as caught:
        fresh_python(ENVIRONMENT, LOCKED, home=tmp_path / "home", uv=installer(tmp_path, BAD))
    assert "example" not in str(caught.value)
    assert list((tmp_path / "home" / FOLDER).iterdir()) == []


def test_without_an_installer_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(Unavailable, match=r"built from uv.lock by `uv`, and it isn't installed here"):
        fresh_python(ENVIRONMENT, LOCKED, home=tmp_path)
    with pytest.raises(Unavailable, match=r"can't be installed \((FileNotFoundError|PermissionError)\)"):
        fresh_python(ENVIRONMENT, LOCKED, home=tmp_path, uv=str(tmp_path / "nothing"))


def test_a_disk_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(Unavailable, match="can't be written"):
        fresh_python(ENVIRONMENT, LOCKED, home=tmp_path, uv="uv")


def test_an_environment_is_kept_with_its_lock_file(tmp_path: Path) -> None:
    store = FakeStore(tmp_path / "home")
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    environment = read_environment(tmp_path)
    keep_environment(store, environment, tmp_path)
    keep_environment(store, environment, tmp_path)
    kept, files = read_kept(store, environment.digest)
    assert kept == environment
    assert files["uv.lock"] == b"version = 1\n"
    assert b"lightgbm==" in files["requirements.txt"]
    assert b"ml_platform==" not in files["requirements.txt"]


def test_a_lock_file_that_changed_meanwhile_is_not_the_one_that_is_named(tmp_path: Path) -> None:
    store = FakeStore(tmp_path / "home")
    (tmp_path / "uv.lock").write_text("version = 1\n")
    environment = read_environment(tmp_path)
    (tmp_path / "uv.lock").write_text("version = 2\n")
    keep_environment(store, environment, tmp_path)
    with pytest.raises(DataInvalid, match="its lock file isn't the one"):
        read_kept(store, environment.digest)
    store.put("environments", "e" * 64, {"environment.json": b"[]"})
    with pytest.raises(DataInvalid, match="can't be read"):
        read_kept(store, "e" * 64)


def test_platform_code_is_kept_whole_and_nothing_else_is_taken_for_it(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    digest = keep_platform(store)
    assert keep_platform(store) == digest == platform_digest()
    files = read_platform(store, digest)
    assert files == platform_files()
    assert "ml_platform/defs/__init__.py" in files
    assert not any(name.startswith("ml_platform/defs/flights/") for name in files)
    store.put("platforms", "a" * 64, {ARCHIVE: store.read("platforms", digest, ARCHIVE)})
    store.put("platforms", "b" * 64, {ARCHIVE: b"no archive"})
    with pytest.raises(DataInvalid, match="aren't those that were kept"):
        read_platform(store, "a" * 64)
    with pytest.raises(DataInvalid, match="it is no archive"):
        read_platform(store, "b" * 64)


def test_differences_are_named_by_entry_file_line_and_package(tmp_path: Path) -> None:
    before = {"learner": {"rounds": 30, "parameters": {"depth": 3}}, "purpose": "one", "split": {"kind": "time"}}
    now = {"learner": {"rounds": 30, "parameters": {}}, "purpose": "two", "split": {"kind": "time"}}
    (found,) = parameter_differences(before, now)
    assert (found.text, found.since) == ("learner.parameters.depth: 3 recorded, nothing now", "model")
    (engine,) = parameter_differences({"compute": {"engine": "dask", "workers": 2}}, {})
    assert (engine.text, engine.since) == ("compute: {'engine': 'dask', 'workers': 2} recorded, nothing now", "model")
    texts = [one.text for one in platform_differences({"a": b"1\n", "b": b"1\n2\n"}, {"b": b"1\n", "c": b""})]
    assert texts == ["a: recorded, not there now", "b: line 2 is gone", "c: not recorded, there now"]
    (others,) = platform_differences({"ml_platform/cli/a.py": b"", "ml_platform/cli/b.py": b""}, {})
    assert others.text == "2 files of the platform that only store, show or start something, ml_platform/cli/a.py first"
    assert others.since == ""
    many = {f"ml_platform/stages/{count}.py": b"" for count in range(7)}
    assert [one.text for one in platform_differences(many, {})][-1] == "2 more files of the platform"
    assert [one.text for one in features_differences({"features.py": b"a\n"}, {"features.py": b"a\r\n"}, "f")] == [
        "f: only its line ends differ"
    ]
    assert [one.text for one in features_differences({"features.py": b"a\n"}, {"features.py": b"b\na\n"}, "f")] == [
        "f: line 1 is new"
    ]
    root = repository(tmp_path)
    conditions = declare_conditions(
        toy_spec(), "e" * 64, environment=ENVIRONMENT, source=root / ".gitignore", root=root
    )
    about = About(
        environment=Environment(
            python="CPython 3.99.0", distributions=("lightgbm-4.8.0", *(f"n{count}-1" for count in range(6))),
            lock_digest="",
        ),
        cpu=conditions.cpu, system=conditions.system, waiting="active", platform_digest="",
    )  # fmt: skip
    told = list(environment_differences(ENVIRONMENT, conditions, about))
    assert {one.kind for one in told} == {Kind.ENVIRONMENT}
    assert told[0].text == "package lightgbm: 4.7.0 recorded, 4.8.0 now"
    assert [one.text for one in told[5:]] == [
        "2 more packages have another version",
        "recorded packages that aren't installed now: ml_platform",
        f"Python: CPython {HERE} recorded, CPython 3.99.0 now",
        "OMP_WAIT_POLICY: passive recorded, active now",
    ]


def test_scores_are_compared_by_what_they_say_however_they_are_packed(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    record = EvaluationRecord(model="toy", digest="1" * 64, model_digest="", split_digest="", rows=2)
    frame = pd.DataFrame({"score": [0.5, np.nan], "decision": ["late", None]})
    packings = [frame, frame.assign(decision=frame["decision"].astype("category")), frame.assign(score=[0.5, 0.25])]
    found = []
    for count, packed in enumerate(packings, start=1):
        store.put("evaluations", str(count) * 64, {"scores.parquet": parquet_bytes(packed), "curves.json": b"{}"})
        found.append(evaluation_parts(store, dataclasses.replace(record, digest=str(count) * 64)))
    assert set(found[0]) == {"scores", "curves.json"}
    assert found[0] == found[1]
    assert found[0] != found[2]
