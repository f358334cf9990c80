from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import Conditions
from ml_platform.stages.conditions import declare_conditions, missing_conditions, require_conditions
from ml_platform.stages.environment import Environment, read_cpu, read_environment
from ml_platform_tests.stages.toy import repository, toy_spec

ENVIRONMENT = Environment(python="CPython 3.11.7", distributions=("lightgbm-4.7.0",), lock_digest="")


def declared(source: Path, root: Path, environment: Environment = ENVIRONMENT) -> Conditions:
    return declare_conditions(toy_spec(), "e" * 64, environment=environment, source=source, root=root)


def test_a_tracked_source_is_named_by_its_own_repositorys_commit(tmp_path: Path) -> None:
    ours, other = repository(tmp_path / "ours"), repository(tmp_path / "other")
    (other / "more").write_text("x")
    found = declared(ours / ".gitignore", other)
    assert len(found.git_commit) == 40
    assert not found.git_dirty
    assert missing_conditions(found) == ()


def test_an_untracked_source_is_named_by_the_commit_of_the_working_folder(tmp_path: Path) -> None:
    root = repository(tmp_path / "root")
    source = tmp_path / "site-packages" / "features.py"
    source.parent.mkdir()
    assert len(declared(source, root).git_commit) == 40


def test_anything_not_committed_makes_the_run_dirty(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root / "new.py").write_text("x = 1\n")
    assert declared(root / ".gitignore", root).git_dirty


def test_without_a_repository_the_commit_is_missing_and_training_is_refused(tmp_path: Path) -> None:
    found = declared(tmp_path / "features.py", tmp_path)
    assert missing_conditions(found) == ("git_commit",)
    assert found.git_dirty
    with pytest.raises(DataInvalid, match=r"git_commit unknown.*put the features module under git"):
        require_conditions(toy_spec(), found)


def test_every_missing_condition_is_named_at_once(tmp_path: Path) -> None:
    empty = dataclasses.replace(ENVIRONMENT, distributions=())
    found = dataclasses.replace(declared(tmp_path / "features.py", tmp_path, empty), cpu="", learner_version="")
    assert missing_conditions(found) == ("learner_version", "environment_digest", "git_commit", "cpu", "lock")
    with pytest.raises(DataInvalid, match="install the learner's package"):
        require_conditions(toy_spec(), found)


def test_a_learner_that_is_not_installed_has_no_version(tmp_path: Path) -> None:
    spec = toy_spec()
    learner = spec.learner.model_copy(update={"kind": "no-such-distribution"})
    found = declare_conditions(
        spec.model_copy(update={"learner": learner}), "e" * 64, environment=ENVIRONMENT, source=tmp_path, root=tmp_path
    )
    assert found.learner_version == ""


def test_how_threads_wait_has_to_be_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path)
    assert declared(root / ".gitignore", root).waiting == "passive"
    monkeypatch.delenv("OMP_WAIT_POLICY")  # the learner's library is loaded, so nothing can be said to it any more
    found = declared(root / ".gitignore", root)
    assert missing_conditions(found) == ("waiting",)
    with pytest.raises(DataInvalid, match="OMP_WAIT_POLICY=passive"):
        require_conditions(toy_spec(), found)


def test_sub_seeds_are_named_with_what_they_follow_from(tmp_path: Path) -> None:
    spec = toy_spec(learner={**toy_spec().learner.model_dump(mode="json"), "parameters": {"bagging_seed": 5}})
    found = declare_conditions(spec, "e" * 64, environment=ENVIRONMENT, source=tmp_path / "f.py", root=tmp_path)
    assert found.seeds.startswith("seed 7; bagging_seed 5, data_random_seed, ")


def test_without_a_lock_file_the_list_of_what_is_installed_is_the_lock(tmp_path: Path) -> None:
    locked = dataclasses.replace(ENVIRONMENT, lock_digest="f" * 64)
    assert declared(tmp_path, tmp_path, locked).lock == f"uv.lock {'f' * 64}"
    assert declared(tmp_path, tmp_path).lock.startswith("requirements.txt ")


def test_records_from_before_a_condition_was_recorded_are_still_read(tmp_path: Path) -> None:
    old = dataclasses.asdict(declared(tmp_path, tmp_path))
    for name in ("seeds", "lock", "platform_digest", "waiting", "system"):
        del old[name]
    found = msgspec.convert(old, Conditions)
    assert (found.seed, found.platform_digest) == (7, "")
    assert {"seeds", "lock", "platform_digest", "waiting", "system"} < set(missing_conditions(found))


def test_code_that_comes_from_a_record_has_the_commit_of_the_record(tmp_path: Path) -> None:
    root = repository(tmp_path / "root")
    first = declared(root / ".gitignore", root)
    again = declare_conditions(
        toy_spec(), "e" * 64, environment=ENVIRONMENT, source=tmp_path / "f.py", root=tmp_path,
        commit=first.git_commit,
    )  # fmt: skip
    assert again == first


def test_another_lock_or_another_distribution_is_another_environment() -> None:
    digests = {
        ENVIRONMENT.digest,
        dataclasses.replace(ENVIRONMENT, lock_digest="f" * 64).digest,
        dataclasses.replace(ENVIRONMENT, distributions=("lightgbm-4.7.1",)).digest,
    }
    assert len(digests) == 3


def test_the_lock_file_is_found_in_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 1\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    found = read_environment(inner)
    assert len(found.lock_digest) == 64
    assert any(name.startswith("lightgbm-") for name in found.distributions)


def test_a_processor_is_named_with_its_instructions(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: Example CPU\nflags\t\t: avx avx2\n")
    first = read_cpu(cpuinfo)
    cpuinfo.write_text("model name\t: Example CPU\nflags\t\t: avx\n")
    assert first.startswith("Example CPU (")
    assert first != read_cpu(cpuinfo)
    assert read_cpu(tmp_path / "missing") != ""
