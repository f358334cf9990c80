"""The rollback job: back to the last good version as who launched it, refused in words to everybody else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.access.seal import launcher_tags
from ml_platform.adapters.platform import open_platform
from ml_platform.core.records import DeploymentRecord
from ml_platform.orchestration.build import build_model
from ml_platform.orchestration.hand_on import EXIT_CODE
from ml_platform.orchestration.records import RESOURCES
from ml_platform.settings import load_settings
from ml_platform_tests.access.people import people
from ml_platform_tests.orchestration.small_model import NOW, load_small
from ml_platform_tests.stages.lock_world import MODEL, World, policy

RUN = "5a1d7b52-0000-4000-8000-000000000002"
WHY = "it answers nonsense"


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracking: str) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_PLATFORM_ACTOR", "robin")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
    with dg.instance_for_test() as found:
        yield found


def live(*texts: str, environment: str = "production") -> None:
    """Let versions go live, one after the other."""
    with open_platform(load_settings()) as platform:
        world = World(platform.ledger, platform.store, policy())
        for text in texts:
            made = world.release(text)
            platform.ledger.deploy(made, environment, actor="rita", reason="x", approvals=(), at=NOW)


def now_live(environment: str = "production") -> DeploymentRecord:
    with open_platform(load_settings()) as platform:
        found = platform.ledger.live(MODEL, environment)
    assert found is not None
    return found


def run(
    folder: Path, instance: dg.DagsterInstance, reason: str = WHY, *, by: str = "", **config: str
) -> dg.ExecuteInProcessResult:
    file = load_small(folder)
    named = dataclasses.replace(file, spec=file.spec.model_copy(update={"model": MODEL}))
    definitions = dg.Definitions.merge(dg.Definitions(resources=RESOURCES), build_model(named))
    return definitions.resolve_job_def(f"{MODEL}_rollback").execute_in_process(
        run_config={"ops": {f"{MODEL}__rollback": {"config": {"reason": reason, **config}}}},
        instance=instance,
        run_id=RUN,
        tags=launcher_tags(load_settings().home, RUN, by) if by else {},
        raise_on_error=False,
    )


def stopped(done: dg.ExecuteInProcessResult) -> tuple[str, object]:
    """Return what stopped a run in words, with its exit code."""
    (event,) = done.filter_events(lambda one: one.is_step_failure)
    said = event.step_failure_data.user_failure_data
    assert said is not None
    assert said.metadata is not None
    return str(said.description), said.metadata[EXIT_CODE].value


def test_the_last_good_version_is_live_again_and_the_other_is_barred(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    live("one", "two")
    done = run(tmp_path, instance)
    assert done.success
    assert (now_live().version, now_live().actor, now_live().reason) == (1, "robin", WHY)
    with open_platform(load_settings()) as platform:
        assert platform.ledger.barred(MODEL) == {2: WHY}
    (event,) = done.get_asset_materialization_events()
    assert event.asset_key == dg.AssetKey([MODEL, "production"])
    shown = {key: value.value for key, value in event.materialization.metadata.items()}
    assert (shown["version"], shown["barred version"], shown["by"], shown["reason"]) == (1, 2, "robin", WHY)


def test_it_goes_back_in_the_environment_that_was_asked_for(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    live("one", "two", environment="staging")
    assert run(tmp_path, instance, environment="staging").success
    assert now_live("staging").version == 1


def test_an_environment_that_there_is_not_is_refused_before_anything_runs(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match="moon"):
        run(tmp_path, instance, environment="moon")


def test_without_a_reason_nothing_is_barred(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    live("one", "two")
    text, code = stopped(run(tmp_path, instance, reason=" "))
    assert "needs a reason" in text
    assert code == 2
    assert now_live().version == 2


def test_with_nothing_to_go_back_to_it_is_refused_with_the_reason(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    live("one")
    text, code = stopped(run(tmp_path, instance))
    assert text.startswith(f"{MODEL}: nothing was rolled back in production (refused)")
    assert "no earlier version is good to return to from v1" in text
    assert code == 1


def test_who_launched_it_rolls_back(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    people(tmp_path / "home")
    live("one", "two")
    assert run(tmp_path, instance, by="rita").success
    assert now_live().actor == "rita"


@pytest.mark.parametrize(("by", "name"), [("tom", "tom"), ("ada", "ada"), ("", "service:retraining")])
def test_who_may_not_roll_back_by_hand_changes_nothing_by_job_either(
    tmp_path: Path, instance: dg.DagsterInstance, by: str, name: str
) -> None:
    people(tmp_path / "home")
    live("one", "two")
    text, code = stopped(run(tmp_path, instance, by=by))
    assert text.startswith(f"{name} may not go back to the last good version by hand, on {MODEL}")
    assert code == 1
    assert now_live().version == 2
