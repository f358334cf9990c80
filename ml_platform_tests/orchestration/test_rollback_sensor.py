"""The rollback sensor: proven harm takes a version back by itself, once, and never on a word alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import dagster as dg
import numpy as np
import pytest

from ml_platform.adapters.deployments import read_manifest
from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.adapters.traffic_log import TrafficLog, traffic_folder
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import DeploymentRecord
from ml_platform.core.traffic import InputValue, Label, Prediction
from ml_platform.orchestration import live_look, rollback_sensor
from ml_platform.orchestration.build import build_model
from ml_platform.orchestration.live_look import AUTOMATIC, GoBack, Keep, look_at_production
from ml_platform.orchestration.records import RESOURCES
from ml_platform.policy.load import GovernedModelFile
from ml_platform.policy.spec import Learner
from ml_platform.settings import load_settings
from ml_platform.stages.bounded_losses import bounded_losses
from ml_platform_tests.access.people import people
from ml_platform_tests.orchestration.small_model import NOW, load_small
from ml_platform_tests.serving import small_model
from ml_platform_tests.stages.lock_world import MODEL, World, policy

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracking: str) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_PLATFORM_ACTOR", "robin")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
    with dg.instance_for_test() as found:
        yield found


def file_in(folder: Path, **monitoring: object) -> GovernedModelFile:
    file = load_small(folder)
    assert file.spec.monitoring is not None
    watched = file.spec.monitoring.model_copy(update=monitoring)
    return dataclasses.replace(file, spec=file.spec.model_copy(update={"model": MODEL, "monitoring": watched}))


def live(*texts: str) -> DeploymentRecord:
    """Let versions go live in production, an hour apart; return the last deployment."""
    with open_platform(load_settings()) as platform:
        world = World(platform.ledger, platform.store, policy())
        for place, text in enumerate(texts):
            made = world.release(text)
            at = NOW + place * HOUR
            platform.ledger.deploy(made, "production", actor="rita", reason="x", approvals=(), at=at)
        found = platform.ledger.live(MODEL, "production")
    assert found is not None
    return found


def serve(deployment: DeploymentRecord, statuses: Sequence[int], *, minute: int = 1) -> None:
    """Log answers of a version, a second apart."""
    home = load_settings().home
    with open_platform(load_settings()) as platform:
        log = TrafficLog(traffic_folder(home, "production", MODEL), keys=platform.keys)
        log.append([_answer(deployment, place, status, minute) for place, status in enumerate(statuses)])
        log.close()


def _answer(deployment: DeploymentRecord, place: int, status: int, minute: int) -> Prediction:
    at = deployment.since + dt.timedelta(minutes=minute, seconds=place)
    return Prediction(
        id=f"{deployment.version}/{minute}/{place}", at=at, event_time=at, model=MODEL, environment="production",
        version=deployment.version, model_digest=deployment.model_digest, status=status,
        score=0.5 if status == 200 else None, latency_seconds=0.01,
    )  # fmt: skip


def tick(file: GovernedModelFile, instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorExecutionData:
    sensor = build_model(file).resolve_sensor_def(f"{MODEL}_rollback_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    return sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor))


def run(
    file: GovernedModelFile,
    instance: dg.DagsterInstance,
    config: Mapping[str, Any],
    tags: Mapping[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    definitions = dg.Definitions.merge(dg.Definitions(resources=RESOURCES), build_model(file))
    job = definitions.resolve_job_def(f"{MODEL}_rollback")
    return job.execute_in_process(run_config=dict(config), instance=instance, raise_on_error=False, tags=tags)


def failure(done: dg.ExecuteInProcessResult) -> str:
    (event,) = done.filter_events(lambda one: one.is_step_failure)
    said = event.step_failure_data.user_failure_data
    assert said is not None
    return str(said.description)


BAD, GOOD = [200, 500] * 100, [200] * 200
ASKED = {"ops": {f"{MODEL}__rollback": {"config": {"reason": "because I say so", "only_if_proven": True}}}}


def test_proven_harm_is_asked_about_once_and_takes_the_version_back(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    file, second = file_in(tmp_path), live("one", "two")
    serve(second, BAD)
    (request,) = tick(file, instance).run_requests
    assert "live_error_excess" in request.tags["ml_platform/trigger"]
    done = run(file, instance, request.run_config)
    assert done.success, failure(done)
    with open_platform(load_settings()) as platform:
        now_live = platform.ledger.live(MODEL, "production")
        assert now_live is not None
        assert now_live.version == 1
        assert "live_error_excess" in platform.ledger.barred(MODEL)[2]
        told = platform.ledger.last(AUTOMATIC, subject=f"{MODEL}@production")
    assert told is not None
    assert told.payload["barred"] == 2
    assert 0 < float(str(told.payload["seconds"])) < 600
    assert "live_error_excess" in {one["metric"] for one in told.payload["measured"]}  # type: ignore[attr-defined]
    (event,) = done.get_asset_materialization_events()
    assert "live_error_excess" in str(event.materialization.metadata["measurements"].value)


def test_a_rollback_that_came_to_nothing_is_asked_for_again_in_the_next_hour(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, second = file_in(tmp_path), live("one", "two")
    serve(second, BAD)
    now, keys = dt.datetime(2026, 6, 1, 12, 0, tzinfo=dt.UTC), []
    for minutes in (0, 59, 60):
        clock = SimpleNamespace(now=lambda tz, minutes=minutes: (now + dt.timedelta(minutes=minutes)).astimezone(tz))
        monkeypatch.setattr(rollback_sensor, "dt", SimpleNamespace(datetime=clock, UTC=dt.UTC))
        keys += [one.run_key for one in tick(file, instance).run_requests or ()]
    assert len(keys) == 3
    assert keys[0] == keys[1] != keys[2]


def test_a_version_that_keeps_its_promise_stays_and_the_next_tick_is_cheap(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    file, second = file_in(tmp_path), live("one", "two")
    serve(second, GOOD)
    first = tick(file, instance)
    assert not first.run_requests
    assert "v2 keeps what was promised (not known: live_slow_excess" in (first.skip_message or "")
    again = tick(file, instance, first.cursor)
    assert (again.skip_message or "").startswith("nothing came since the last look: v2 keeps")
    serve(second, BAD, minute=10)
    assert tick(file, instance, first.cursor).run_requests


def test_a_run_that_was_asked_for_without_proof_changes_nothing(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    file, second = file_in(tmp_path), live("one", "two")
    serve(second, GOOD)
    done = run(file, instance, ASKED)
    assert f"{MODEL}: nothing was rolled back in production: v2 keeps what was promised" in failure(done)
    with open_platform(load_settings()) as platform:
        assert platform.ledger.barred(MODEL) == {}


@pytest.mark.parametrize("config", [{}, {"only_if_proven": True}], ids=["by hand", "by itself"])
def test_a_run_that_was_killed_after_it_went_back_is_finished_and_goes_no_further(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, config: dict[str, object]
) -> None:
    file, third = file_in(tmp_path), live("one", "two", "three")
    serve(third, BAD)
    asked = {"ops": {f"{MODEL}__rollback": {"config": {"reason": "because I say so", **config}}}}
    with monkeypatch.context() as killed:
        killed.setattr(Platform, "project", _killed)
        first = run(file, instance, asked)
    assert not first.success
    root = first.dagster_run.run_id
    done = run(file, instance, asked, {"dagster/retry_number": "1", "dagster/root_run_id": root})
    assert done.success, failure(done)
    with open_platform(load_settings()) as platform:
        assert [one.version for one in platform.ledger.history(MODEL, "production")][3:] == [2]
        assert list(platform.ledger.barred(MODEL)) == [3]
        told = platform.ledger.all_of(AUTOMATIC, subject=f"{MODEL}@production")
        manifest = read_manifest(platform.home, "production", MODEL)
    assert [one.payload["barred"] for one in told] == ([3] if config else [])
    assert manifest is not None
    assert manifest.version == 2


def _killed(_: Platform) -> NoReturn:
    raise SystemExit  # what nobody catches, as nobody catches a kill


def test_a_rollback_that_was_killed_before_the_service_heard_of_it_is_shown_by_the_next_tick(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    file, second = file_in(tmp_path), live("one", "two")
    with open_platform(load_settings()) as platform:
        assert read_manifest(platform.home, "production", MODEL) is None
    tick(file, instance)
    with open_platform(load_settings()) as platform:
        manifest = read_manifest(platform.home, "production", MODEL)
    assert manifest is not None
    assert manifest.version == second.version


def test_where_there_are_users_the_service_account_takes_back_what_is_proven(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    people(tmp_path / "home")
    file, second = file_in(tmp_path), live("one", "two")
    serve(second, BAD)
    assert run(file, instance, ASKED).success
    with open_platform(load_settings()) as platform:
        found = platform.ledger.live(MODEL, "production")
    assert found is not None
    assert (found.version, found.actor) == (1, "service:retraining")


def test_without_an_earlier_version_the_tick_says_that_a_person_has_to_act(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    file, only = file_in(tmp_path), live("one")
    serve(only, BAD)
    found = tick(file, instance)
    assert not found.run_requests
    assert (found.skip_message or "").endswith("but there is no earlier version to go back to")


def test_a_second_one_within_a_day_is_left_to_a_person(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    file, third = file_in(tmp_path), live("one", "two", "three")
    serve(third, BAD)
    with open_platform(load_settings()) as platform:
        platform.ledger.append(AUTOMATIC, actor="x", subject=f"{MODEL}@production", payload={"barred": 4}, at=NOW)
        soon = look_at_production(file, platform, now=NOW + 23 * HOUR)
        later = look_at_production(file, platform, now=NOW + 25 * HOUR)
    assert isinstance(soon, Keep)
    assert "v4 was taken back automatically within the last day; a person has to look" in soon.reason
    assert isinstance(later, GoBack)


def test_nothing_released_and_nothing_live_are_said(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    file = file_in(tmp_path)
    assert "nothing was ever released" in (tick(file, instance).skip_message or "")
    with open_platform(load_settings()) as platform:
        World(platform.ledger, platform.store, policy()).release("one")
    assert "nothing is live in production" in (tick(file, instance).skip_message or "")


def test_a_log_that_cannot_be_read_is_said_in_words(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    file, only = file_in(tmp_path), live("one")
    serve(only, GOOD)
    for key in (tmp_path / "home" / "keys").iterdir():
        key.unlink()
    assert (tick(file, instance).skip_message or "").startswith("the look failed: ")


def test_by_hand_there_is_no_sensor(tmp_path: Path) -> None:
    by_itself, by_hand = (
        {sensor.name for sensor in build_model(file_in(tmp_path, roll_back=said)).sensors or ()}
        for said in ("automatic", "manual")
    )
    assert by_itself - by_hand == {f"{MODEL}_rollback_sensor"}


SAID = {"kind": "lightgbm", "objective": "binary", "seed": 1, "threads": 1, "rounds": 1}


def test_the_version_before_answers_the_same_requests_and_the_losses_are_compared(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    live("one")
    rows, outcomes = small_model.make_rows(300), np.random.default_rng(1).integers(0, 2, 300)
    with open_platform(load_settings()) as platform:
        release = platform.ledger.release(MODEL, 1)
        assert release is not None
        digest = small_model.put_model(platform.home)
        before = dataclasses.replace(release, candidate=dataclasses.replace(release.candidate, model_digest=digest))
        known = [
            (
                dataclasses.replace(
                    _answer(_deployed(), place, 200, 1),
                    inputs=cast("dict[str, InputValue]", row),
                    score=float(1 - outcome),
                ),
                Label(prediction_id=f"{place}", label=float(outcome), at=NOW),
            )
            for place, (row, outcome) in enumerate(zip(rows, outcomes, strict=True))
        ]
        loss = bounded_losses(Learner.model_validate(SAID), (), usual=None)
        found = live_look._against_before(platform, before, known, loss, margin=0.01)
        lacking = [(dataclasses.replace(one, inputs={"hour": 3}), label) for one, label in known]
        unknown = live_look._against_before(platform, before, lacking, loss, margin=0.01)
    assert found.low is not None
    assert found.low > 0  # whoever always says the contrary loses 1 each time
    assert unknown.value is None
    assert "needs columns that the requests don't hold" in unknown.reason


def _deployed() -> DeploymentRecord:
    return DeploymentRecord(
        model=MODEL, environment="production", version=2, model_digest="m", evidence_digest="e", since=NOW,
        actor="rita", reason="x",
    )  # fmt: skip


@pytest.mark.parametrize(("low", "goes"), [(0.01, True), (0.0, False), (None, False)])
def test_a_loss_alone_takes_back_only_what_the_version_before_is_proven_to_do_better(
    tmp_path: Path, instance: dg.DagsterInstance, low: float | None, goes: bool
) -> None:
    deployment = live("one", "two")
    compared = Measurement(metric="x", value=0.02, low=low, n=9)
    with open_platform(load_settings()) as platform:
        before = platform.ledger.release(MODEL, 1)
        said = live_look._against(platform, deployment, before, compared, now=NOW)
    assert (said == "") is goes
    assert goes or "it isn't proven that v1 would do better, so retraining is what may help" in said
    assert live_look._only_loss(["live_loss_excess: 0.2 more"])
    assert not live_look._only_loss(["live_loss_excess: 0.2 more", "live_error_excess: 0.1"])
