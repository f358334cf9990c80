"""The rollout's sensor and job: what each tick says, and what a look does to the ledger."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.access import in_run
from ml_platform.access.person import RETRAINING, Person
from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.adapters.rollout_manifests import rollout_path
from ml_platform.core.rollout import RolloutRecord
from ml_platform.orchestration import deploying
from ml_platform.orchestration.build import build_model
from ml_platform.orchestration.desk import Desk
from ml_platform.orchestration.records import RESOURCES
from ml_platform.orchestration.rolling_out import roll
from ml_platform.orchestration.rollout_sensor import _of, rollout_sensor
from ml_platform.orchestration.rollout_way import way_of
from ml_platform.policy.load import GovernedModelFile, load_model
from ml_platform.policy.spec import Deployment
from ml_platform.policy.strategy import Direct, Shadow
from ml_platform.settings import load_settings
from ml_platform.stages.rollout_look import Promote, Stop
from ml_platform.stages.way import Directly, Tried
from ml_platform_tests.access.people import people
from ml_platform_tests.orchestration.small_model import write_model
from ml_platform_tests.orchestration.trials import MANUAL, RULES, TRIED, begin, serve
from ml_platform_tests.stages.lock_world import MODEL, World, policy

NOW = dt.datetime.now(tz=dt.UTC)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracking: str) -> GovernedModelFile:
    """Return a model with a strategy, in a home of its own."""
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_PLATFORM_ACTOR", "robin")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
    text = write_model(tmp_path, ("model: parcels", f"model: {MODEL}"), (MANUAL, TRIED)).read_text()
    path = tmp_path / "defs" / MODEL / "defs.yaml"
    path.parent.mkdir()
    path.write_text(text)
    return load_model(path, now=NOW)


@pytest.fixture
def platform(file: GovernedModelFile) -> Iterator[Platform]:
    with open_platform(load_settings()) as found:
        yield found


@pytest.fixture
def rollout(platform: Platform) -> RolloutRecord:
    """Let a version be tried beside another."""
    world = World(platform.ledger, platform.store, policy(), platform.signing)
    champion, challenger = world.release("one"), world.release("two")
    platform.ledger.deploy(champion, "production", actor="rita", reason="x", approvals=(), at=NOW)
    platform.ledger.project(lambda _: None)  # MLflow isn't what is tried here
    return begin(platform, champion, challenger, since=NOW)


def desk(file: GovernedModelFile, platform: Platform, *, later: dt.timedelta = dt.timedelta()) -> Desk:
    return Desk(file=file, platform=platform, now=NOW + later, run_id="run-1")


def test_the_tick_says_what_is_missing_and_asks_once_an_hour(
    file: GovernedModelFile, platform: Platform, rollout: RolloutRecord
) -> None:
    first = _of(desk(file, platform), rollout)
    assert isinstance(first, dg.RunRequest)
    assert roll(desk(file, platform), rollout).done == "v2 is tried on beside v1"
    second = _of(desk(file, platform, later=dt.timedelta(minutes=50)), rollout)
    assert isinstance(second, dg.SkipReason)
    assert second.skip_message is not None
    assert "v2 is tried beside v1 (canary): the challenger has 0 requests, 100 are needed" in second.skip_message
    third = _of(desk(file, platform, later=dt.timedelta(minutes=61)), rollout)
    assert isinstance(third, dg.RunRequest)
    assert third.run_key != first.run_key
    looked = platform.ledger.last("rollout_looked", subject=f"{MODEL}@production")
    assert looked is not None
    assert (looked.payload["decision"], looked.payload["version"], looked.payload["champion"]) == ("continue", 2, 1)


def test_a_worse_version_is_stopped_and_barred_by_the_service_account(
    file: GovernedModelFile, platform: Platform, rollout: RolloutRecord
) -> None:
    people(platform.home)
    serve(platform, rollout, 200, fails=True)
    definitions = dg.Definitions.merge(dg.Definitions(resources=RESOURCES), build_model(file))
    with dg.instance_for_test() as instance:
        tick = rollout_sensor(file).evaluate_tick(dg.build_sensor_context(instance=instance))
        assert [str(request.run_key).rpartition(":")[0] for request in tick.run_requests or []] == ["r1:stop"]
        assert rollout_path(platform.home, "production", MODEL).exists()
        done = definitions.resolve_job_def(f"{MODEL}_rollout").execute_in_process(instance=instance)
    (event,) = done.get_asset_materialization_events()
    assert event.asset_key == dg.AssetKey([MODEL, "rollout"])
    shown = {key: value.value for key, value in event.materialization.metadata.items()}
    assert (shown["decision"], shown["version"], shown["champion"]) == ("stop", 2, 1)
    assert "errors" in str(shown["compared"])
    assert list(shown)[:4] == ["done", "decision", "because", "next step"]
    assert shown["next step"] == "Repair what was worse and release again; v2 never comes back."
    assert shown["proven worse, errors"] == 1.0
    assert "data:image/svg+xml" in str(shown["proven so far"])
    assert "| stop |" in str(shown["looks"])
    assert "proven worse" in str(shown["because"])
    (ended,) = platform.ledger.rollouts(MODEL, "production")
    assert ended.end is not None
    assert (ended.end.outcome, ended.end.actor) == ("stopped", RETRAINING.name)
    assert set(platform.ledger.barred(MODEL)) == {2}
    assert not rollout_path(platform.home, "production", MODEL).exists()
    live = platform.ledger.live(MODEL, "production")
    assert live is not None
    assert live.version == 1


def test_what_is_proven_goes_through_the_lock_which_may_refuse_and_is_asked_again_after_an_hour(
    file: GovernedModelFile, platform: Platform, rollout: RolloutRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "_require_same_contract", lambda _desk, _wish: None)
    serve(platform, rollout, 1500, fails=False)
    assert isinstance(_of(desk(file, platform), rollout), dg.RunRequest)
    done = roll(desk(file, platform, later=dt.timedelta(minutes=1)), rollout)
    assert isinstance(done.look.decision, Promote)
    assert done.refused is not None
    assert any("policy" in reason for reason in done.refused.reasons)
    assert platform.ledger.rollout(MODEL, "production") == rollout
    waits = _of(desk(file, platform, later=dt.timedelta(minutes=10)), rollout)
    assert isinstance(waits, dg.SkipReason)
    assert waits.skip_message is not None
    assert "the lock refused it within the hour" in waits.skip_message
    assert isinstance(_of(desk(file, platform, later=dt.timedelta(minutes=62)), rollout), dg.RunRequest)


def test_what_stays_undecided_is_taken_back_and_not_barred(
    file: GovernedModelFile, platform: Platform, rollout: RolloutRecord
) -> None:
    done = roll(desk(file, platform, later=dt.timedelta(days=3)), rollout)
    assert done.done == "v2 is taken back undecided, v1 stays live"
    (ended,) = platform.ledger.rollouts(MODEL, "production")
    assert ended.end is not None
    assert ended.end.outcome == "cancelled"
    assert not platform.ledger.barred(MODEL)


def test_rules_that_were_changed_decide_nothing(
    file: GovernedModelFile, platform: Platform, rollout: RolloutRecord
) -> None:
    serve(platform, rollout, 200, fails=True)
    for strategy in (RULES.model_copy(update={"error_margin": 0.8}), Direct()):
        deployment = file.spec.deployment.model_copy(update={"strategy": strategy})
        changed = dataclasses.replace(file, spec=file.spec.model_copy(update={"deployment": deployment}))
        said = _of(desk(changed, platform), rollout)
        assert isinstance(said, dg.SkipReason)
        assert said.skip_message is not None
        assert "was changed since the rollout of v2 began" in said.skip_message
    assert isinstance(roll(desk(file, platform), rollout).look.decision, Stop)


def test_the_tick_reads_the_model_file_as_it_is_now(
    file: GovernedModelFile, platform: Platform, rollout: RolloutRecord
) -> None:
    started_with = dataclasses.replace(
        file, spec=file.spec.model_copy(update={"deployment": Deployment(strategy=Shadow(kind="shadow"))})
    )
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance=instance)
        (asked,) = rollout_sensor(started_with).evaluate_tick(context).run_requests or []
        assert f"v{rollout.version} is tried beside v1 (canary)" in asked.tags["ml_platform/rollout"]
        file.path.write_text("attributes: [")
        said = str(rollout_sensor(file).evaluate_tick(context).skip_message)
    assert "v2 is on trial, and the model file can't be read" in said


def test_without_a_rollout_the_tick_and_the_job_say_so(file: GovernedModelFile, platform: Platform) -> None:
    definitions = dg.Definitions.merge(dg.Definitions(resources=RESOURCES), build_model(file))
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance=instance)
        assert "nothing was ever released" in str(rollout_sensor(file).evaluate_tick(context).skip_message)
        World(platform.ledger, platform.store, policy()).release("one")
        assert rollout_sensor(file).evaluate_tick(context).skip_message == "no version is on trial"
        job = definitions.resolve_job_def(f"{MODEL}_rollout")
        done = job.execute_in_process(instance=instance, raise_on_error=False)
    (event,) = done.filter_events(lambda one: one.is_step_failure)
    said = event.step_failure_data.user_failure_data
    assert said is not None
    assert "no version is on trial in production" in str(said.description)


def test_who_may_not_end_a_rollout_ends_none(
    file: GovernedModelFile, platform: Platform, rollout: RolloutRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(platform.home)
    serve(platform, rollout, 200, fails=True)
    monkeypatch.setattr(in_run, "RETRAINING", Person(name=RETRAINING.name, grants=()))
    definitions = dg.Definitions.merge(dg.Definitions(resources=RESOURCES), build_model(file))
    with dg.instance_for_test() as instance:
        job = definitions.resolve_job_def(f"{MODEL}_rollout")
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success
    assert platform.ledger.rollout(MODEL, "production") is not None


def test_only_production_is_tried_and_only_where_the_model_file_says_so() -> None:
    assert way_of(Direct(), "production") == way_of(RULES, "staging") == Directly()
    assert way_of(RULES, "production", directly="it burns") == Directly(instead="it burns")
    canary, again = way_of(RULES, "production"), way_of(RULES, "production")
    assert isinstance(canary, Tried)
    assert isinstance(again, Tried)
    assert canary.rollout_id != again.rollout_id
    assert (canary.strategy, canary.weight, canary.sticky_by) == ("canary", 0.5, "")
    keyed = way_of(RULES.model_copy(update={"key": "carrier"}), "production")
    assert isinstance(keyed, Tried)
    assert keyed.sticky_by == "carrier"
    shadow = way_of(Shadow(kind="shadow"), "production")
    assert isinstance(shadow, Tried)
    assert (shadow.strategy, shadow.weight) == ("shadow", 0.0)
