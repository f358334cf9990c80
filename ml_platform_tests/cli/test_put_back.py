"""A foreign write to what MLflow shows: said by `audit verify`, put back by `envs`, the sensor and a promotion."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.adapters.mlflow_client import database_of, open_client
from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.cli.models import utc_now
from ml_platform.core.errors import Unavailable
from ml_platform.core.ports import TrainingRun
from ml_platform.orchestration.showing import lies_at_home, put_back_sensor
from ml_platform.settings import load_settings
from ml_platform.stages.put_back import ACTION
from ml_platform_tests.adapters.test_mlflow_tracking import CONDITIONS
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import NAME, release

FOUND = "alias 'staging' nothing; v1 is right"


@pytest.fixture
def shown(run: Run, defs: Path, tmp_path: Path, tracking: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of a model that is live in staging, and shown in the home's own MLflow."""
    home, made = tmp_path / "home", database_of(tracking)
    assert made is not None
    if not made.is_file():
        open_client(tracking).search_experiments(max_results=1)
    (home / "mlflow").mkdir(parents=True)
    shutil.copy(made, home / "mlflow" / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    version = release(defs)
    with open_platform(load_settings()) as platform:
        run_id = platform.tracker.log_training(
            TrainingRun(model=NAME, parameters={}, metrics={}, tags={}, conditions=CONDITIONS, files=())
        )
        platform.tracker.project_release(version, run_id)
        subject = f"{NAME} v1"
        platform.ledger.append("release_shown", actor="x", subject=subject, payload={"run_id": run_id}, at=utc_now())
        platform.ledger.deploy(version, "staging", actor="bob", reason="good", approvals=(), at=utc_now())
        assert platform.project().problems == ()
    return home


def spoil() -> None:
    with open_platform(load_settings()) as platform:
        platform.registry.unpoint(NAME, "staging")


def entries(platform: Platform) -> int:
    return sum(entry.action == ACTION for entry in platform.ledger.audit())


def test_verify_says_it_and_envs_puts_it_back(shown: Path, run: Run) -> None:
    assert "MLflow" not in run("audit", "verify").err
    spoil()
    for _ in range(2):  # looking changes nothing
        said = run("audit", "verify")
        assert said.code == 0
        assert f"MLflow, {NAME}: {FOUND}; `ml-platform envs` puts it back" in said.err
    said = run("envs")
    assert f"{FOUND}; put back, and written to the audit" in said.err
    assert "v1" in said.out
    assert "MLflow" not in run("envs").err
    with open_platform(load_settings()) as platform:
        assert platform.registry.shown(NAME).aliases == {"staging": 1}
        assert entries(platform) == 1
        assert platform.ledger.problems() == ()


def test_what_a_forged_row_says_is_shown_nowhere(shown: Path, run: Run) -> None:
    with closing(sqlite3.connect(shown / "ledger.sqlite", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER deployments_no_update")
        connection.execute("UPDATE deployments SET content = replace(content, 'good', 'best')")
    spoil()
    said = run("envs")
    assert said.code == 1
    assert f"✗ {NAME}: the deployment that the ledger holds in staging isn't the platform's (" in said.err
    assert "`ml-platform audit verify`" in said.err
    assert "put back" not in said.err
    assert run("audit", "verify").code == 1
    with open_platform(load_settings()) as platform:
        assert platform.registry.shown(NAME).aliases == {}


def test_the_sensor_puts_it_back_and_starts_no_run(shown: Path) -> None:
    sensor = put_back_sensor([NAME])
    spoil()
    with dg.instance_for_test() as instance:
        for said in (FOUND, "MLflow shows what the ledger says"):
            tick = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
            assert not tick.run_requests
            assert said in str(tick.skip_message)


def test_a_promotion_puts_it_back(shown: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml_platform.orchestration import deploying
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import load_model

    spoil()
    said: list[str] = []
    with open_platform(load_settings()) as platform:
        settings = platform.settings
        assert settings.defs is not None
        file = load_model(settings.defs / NAME / "defs.yaml", now=utc_now())
        desk = Desk(file=file, platform=platform, now=utc_now(), run_id="", say=said.append)
        deploying._keep_true(desk)
        assert FOUND in said[0]
        assert platform.registry.shown(NAME).aliases == {"staging": 1}
        platform.registry.unpoint(NAME, "staging")
        (shown / "deployments" / "staging" / f"{NAME}.json").unlink()
        monkeypatch.setattr("ml_platform.adapters.deployments.FOLDER", "mlflow/mlflow.db")
        deploying._keep_true(desk)
        assert "can't be compared" in said[-1]


def test_another_homes_store_isnt_kept_true_by_who_only_looks(shown: Path, tmp_path: Path) -> None:
    with open_platform(load_settings()) as platform:
        assert lies_at_home(platform)
        for uri in ("https://mlflow.example", f"sqlite:///{tmp_path / 'other.db'}"):
            elsewhere = dataclasses.replace(platform.settings, mlflow_uri=uri)
            assert not lies_at_home(dataclasses.replace(platform, settings=elsewhere))


def test_a_tick_before_anything_was_released_says_so(defs: Path) -> None:
    with dg.instance_for_test() as instance:
        tick = put_back_sensor([NAME]).evaluate_tick(dg.build_sensor_context(instance=instance))
    assert "nothing was ever released" in str(tick.skip_message)


def test_a_store_that_cant_be_reached_is_told_by_who_looks(
    shown: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> object:
        raise Unavailable("MLflow is away")

    monkeypatch.setattr("ml_platform.adapters.mlflow_registry.MlflowRegistry.shown", away)
    assert "MLflow is away" in run("audit", "verify").err
    said = run("envs")
    assert said.code == 0
    assert "can't be compared with the ledger just now: MLflow is away" in said.err
