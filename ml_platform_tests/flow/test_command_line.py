"""What a person types: Dagster's own commands on a fresh folder, with nothing set and an empty home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._utils.tags import TagConcurrencyLimitsCounter

import ml_platform
from ml_platform.orchestration.rollback_job import rollback_job
from ml_platform.orchestration.rollout_job import rollout_job
from ml_platform.orchestration.wiring import tags_of, urgent_tags
from ml_platform_tests.orchestration.small_model import load_small, write_model

ROOT = Path(ml_platform.__file__).parent.parent
DAGSTER = Path(sys.executable).with_name("dagster")
DG = Path(sys.executable).with_name("dg")
OURS = {"DAGSTER_HOME", "ML_PLATFORM_HOME", "ML_PLATFORM_DEFS", "ML_PLATFORM_ONLY", "MLFLOW_TRACKING_URI"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with the instance's configuration, and one model whose file is broken."""
    for name in ("dagster.yaml", "workspace.yaml", "dg.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    write_model(tmp_path, ("risk_class: minimal", "risk_class: minimall"))
    (tmp_path / "user").mkdir()
    return tmp_path


def run(folder: Path, *command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder as a person would who set nothing."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    environment = {**kept, "HOME": str(folder / "user"), "ML_PLATFORM_DEFS": str(folder / "defs"), **more}
    return subprocess.run(
        [str(word) for word in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_failed_job_ends_with_exit_code_one_and_the_reason(folder: Path) -> None:
    done = run(folder, DAGSTER, "job", "execute", "-m", "ml_platform.definitions", "-j", "parcels_release")
    assert done.returncode == 1
    assert "minimall" in done.stderr
    assert "parcels: the model file is broken" in done.stderr.splitlines()[-2]
    assert "Traceback" not in done.stderr
    assert list((folder / "user").rglob("*")) == []
    assert {path.name for path in folder.iterdir()} == {
        "dagster.yaml", "workspace.yaml", "dg.toml", "defs", "parcels.csv", "user", ".dagster",
    }  # fmt: skip


def test_dg_knows_the_component_and_accepts_the_shipped_models() -> None:
    listed = run(ROOT, DG, "list", "components", "--json", DAGSTER_HOME=str(ROOT))
    assert "ml_platform.GovernedModel" in listed.stdout
    checked = run(ROOT, DG, "check", "yaml", DAGSTER_HOME=str(ROOT))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_state_lies_under_one_folder_and_nothing_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = {path.name for path in folder.iterdir()}
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        instance.get_runs(limit=1)
        assert not instance.telemetry_enabled
        assert instance.run_retries_enabled
        assert instance.run_retries_max_retries == 3
    assert {path.name for path in folder.iterdir()} - before == {".dagster"}


def test_a_failed_gate_is_never_retried() -> None:
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert config["run_retries"]["retry_on_asset_or_op_failure"] is False


def test_two_models_run_at_a_time_and_what_takes_a_version_back_waits_for_neither(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text())["concurrency"]["runs"]
    spec = load_small(tmp_path).spec
    one, other, third = (spec.model_copy(update={"model": name}) for name in ("one", "other", "third"))

    def waits(*tags: dict[str, str]) -> bool:
        *before, last = (dg.DagsterRun(job_name="a_job", tags=each) for each in tags)
        return TagConcurrencyLimitsCounter(config["tag_concurrency_limits"], before).is_blocked(last)

    assert not waits(tags_of(one), tags_of(other))
    assert waits(tags_of(one), tags_of(one))
    assert waits(tags_of(one), tags_of(other), tags_of(third))
    assert not waits(tags_of(one), tags_of(other), urgent_tags(one))
    assert config["max_concurrent_runs"] > 2
    for made in (rollout_job, rollback_job):
        assert urgent_tags(spec).items() <= made(load_small(tmp_path)).tags.items()
        assert not tags_of(spec).items() <= made(load_small(tmp_path)).tags.items()


def test_the_workspace_and_dg_point_to_the_same_definitions() -> None:
    (entry,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    project = tomllib.loads((ROOT / "dg.toml").read_text())["project"]
    assert entry["python_module"]["module_name"] == project["code_location_target_module"] == "ml_platform.definitions"
    assert entry["python_module"]["location_name"] == project["code_location_name"]
