"""Where there are users, a stage asks in Dagster too who acts: who may not leaves no trace but the denial."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.access.seal import launcher_tags
from ml_platform.adapters.platform import open_platform
from ml_platform.orchestration.build import build_all
from ml_platform.orchestration.hand_on import EXIT_CODE
from ml_platform.settings import load_settings
from ml_platform_tests.access.people import people
from ml_platform_tests.orchestration.small_model import write_model

RUN = "5a1d7b52-0000-4000-8000-000000000001"


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_PLATFORM_DEFS", str(tmp_path / "defs"))
    write_model(tmp_path)
    people(tmp_path / "home")
    with dg.instance_for_test() as found:
        yield found


def run(instance: dg.DagsterInstance, job: str, stage: str, name: str, seal_of: str = RUN) -> dg.ExecuteInProcessResult:
    """Run one stage; the tags name who launched it, under the seal of this run or of another."""
    return (
        build_all(load_settings())
        .resolve_job_def(job)
        .execute_in_process(
            instance=instance,
            run_id=RUN,
            tags=launcher_tags(load_settings().home, seal_of, name),
            asset_selection=[dg.AssetKey(["parcels", stage])],
            raise_on_error=False,
        )
    )


def stopped(done: dg.ExecuteInProcessResult) -> tuple[str, object]:
    """Return what stopped a run in words, with its exit code."""
    (event,) = done.filter_events(lambda one: one.is_step_failure)
    said = event.step_failure_data.user_failure_data
    assert said is not None
    assert said.metadata is not None
    return str(said.description), said.metadata[EXIT_CODE].value


def audit() -> list[tuple[str, str, object]]:
    with open_platform(load_settings()) as platform:
        return [(one.actor, one.action, one.payload.get("source")) for one in platform.ledger.audit()]


def test_a_run_that_nobody_vouches_for_never_reaches_production_and_the_audit_knows(
    instance: dg.DagsterInstance,
) -> None:
    text, code = stopped(run(instance, "parcels_promote", "production", "rita", seal_of="another run"))
    assert text.startswith("service:retraining may not bring a version to production")
    assert code == 1
    assert audit() == [("service:retraining", "access_denied", f"run {RUN}")]


def test_who_launched_the_run_acts_as_far_as_their_roles_go(instance: dg.DagsterInstance) -> None:
    text, code = stopped(run(instance, "parcels_release", "source", "rita"))
    assert text.startswith("rita may not read the source")
    assert code == 1


def test_a_release_manager_is_stopped_by_the_lock_alone(instance: dg.DagsterInstance) -> None:
    text, code = stopped(run(instance, "parcels_promote", "production", "rita"))
    assert text.startswith("parcels: nothing is live in staging")
    assert code == 2


def test_a_trainers_run_reads_the_source(instance: dg.DagsterInstance) -> None:
    assert run(instance, "parcels_release", "source", "tom").success
