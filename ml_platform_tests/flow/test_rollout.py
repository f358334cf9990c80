"""A release that proves itself: in the shadow, then live by itself; and a bad one, stopped by the sensor's run.

Three models are trained and released for it: in `make drills`. `orchestration/test_rollout_job` tries its pieces.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.adapters.traffic_log import TrafficLog, read_rollout, traffic_folder
from ml_platform.core.rollout import RolloutRecord
from ml_platform.core.traffic import Prediction
from ml_platform.orchestration.build import build_all
from ml_platform.settings import load_settings
from ml_platform.stages.replay import Asking
from ml_platform_tests.flow.project import MODEL, Project, project_in
from ml_platform_tests.orchestration.small_model import WAIVED, rows
from ml_platform_tests.serving.asking import wait_until

POLICY = ("packs: [base]", WAIVED.removeprefix("policy:\n    "))
# Wide margins: so few requests can prove little.
MARGINS = (
    "least_requests: 100, error_margin: 0.5, latency_margin: 1.0, score_margin: 0.5, loss_margin: 0.5, "
    "false_decisions: 0.2"
)
MANUAL = "deployment: {production: manual}"
SHADOW = (MANUAL, f"deployment: {{production: manual, strategy: {{kind: shadow, {MARGINS}}}}}")
CANARY = (MANUAL, f"deployment: {{production: manual, strategy: {{kind: canary, weight: 0.2, {MARGINS}}}}}")
OTHER = ("num_leaves: 7", "num_leaves: 6")
REQUESTS = 1000
pytestmark = pytest.mark.drill


@pytest.fixture(scope="module")
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tracking: str
) -> Iterator[Project]:
    if request.config.getoption("drills") != "full":
        pytest.skip("takes a minute: `make drills`")
    with project_in(tmp_path_factory.mktemp("rollout"), tracking) as found:
        found.write(POLICY, SHADOW)
        assert found.ask("run", MODEL).code == 0
        done = found.ask("promote", MODEL, "--env", "production", "--reason", "first")
        assert "v1 is live in production" in done.out, done.err
        found.write(POLICY, SHADOW, OTHER)
        assert found.ask("run", MODEL).code == 0
        yield found


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def running() -> RolloutRecord:
    with open_platform(load_settings()) as platform:
        found = platform.ledger.rollout(MODEL, "production")
    assert found is not None
    return found


def logged(rollout: RolloutRecord) -> list[Prediction]:
    with open_platform(load_settings()) as platform:
        folder = traffic_folder(platform.home, "production", MODEL)
        return read_rollout(folder, rollout, keys=platform.keys).tried


def send(port: int, count: int) -> None:
    table = rows(count)[["sent", "weight", "distance", "carrier"]]
    table["sent"] = table["sent"].map(lambda time: time.isoformat())
    asking = Asking(f"http://127.0.0.1:{port}")
    versions = {asking.ask([{str(name): value for name, value in row.items()}])[1] for row in table.to_dict("records")}
    asking.close()
    assert versions == {1}


# The tests below are one story and run in the order they are written.


def test_a_promotion_begins_a_rollout_and_the_champion_goes_on_answering(project: Project) -> None:
    done = project.ask("promote", MODEL, "--env", "production", "--reason", "fewer leaves")
    assert done.code == 0, done.err
    assert "v2 is tried in production in the shadow of v1" in done.out
    live = project.live("production")
    assert live is not None
    assert live.version == 1
    assert "is tried in the shadow of v1" in project.ask("envs", MODEL).out
    assert "nobody has looked yet" in project.ask("rollout", MODEL).out


def test_a_version_that_is_proven_on_live_traffic_goes_live_by_itself(project: Project) -> None:
    early = project.ask("rollout", MODEL, "--look")
    assert early.code == 0, early.err
    assert "the challenger has 0 requests, 100 are needed" in early.out
    with project.serve("production") as port:
        send(port, REQUESTS)
        wait_until(lambda: len(logged(running())) == 2 * REQUESTS, 60)
    looked = project.ask("rollout", MODEL, "--look")
    assert looked.code == 0, looked.out + looked.err
    assert "v2 is live in production" in looked.out
    live = project.live("production")
    assert live is not None
    assert (live.version, live.actor) == (2, "robin")
    assert live.reason.startswith("proven on live traffic beside v1")
    assert "promoted" in project.ask("rollout", MODEL).out
    assert project.ask("audit", "verify").code == 0


def test_a_bad_version_is_found_by_the_sensor_and_stopped_by_its_run(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write(POLICY, CANARY, ("num_leaves: 7", "num_leaves: 8"))
    assert project.ask("run", MODEL).code == 0
    begin = ("promote", MODEL, "--env", "production", "--reason", "more leaves")
    assert "v3 is tried in production as a canary" in project.ask(*begin).out
    assert "a reason is needed" in project.ask("rollout", MODEL, "--cancel").err
    project.write(POLICY, SHADOW, ("num_leaves: 7", "num_leaves: 8"))
    assert "was changed since the rollout of v3 began" in project.ask("rollout", MODEL, "--look").err
    assert project.ask("rollout", MODEL, "--cancel", "--reason", "the wrong rules").code == 0
    assert project.ask("rollout", MODEL, "--cancel", "--reason", "again").code == 2
    project.write(POLICY, CANARY, ("num_leaves: 7", "num_leaves: 8"))
    assert project.ask(*begin).code == 0
    definitions = build_all(load_settings())
    sensor = definitions.resolve_sensor_def(f"{MODEL}_rollout_sensor")

    def tick() -> dg.SensorExecutionData:
        return sensor.evaluate_tick(dg.build_sensor_context(instance=instance))

    assert tick().run_requests  # the first look is shown
    assert project.ask("rollout", MODEL, "--look").code == 0
    waits = tick()
    assert not waits.run_requests
    assert waits.skip_message is not None
    assert "v3 is tried beside v2 (canary)" in waits.skip_message
    fail(running(), 400)
    (wanted,) = tick().run_requests or []
    assert "proven worse" in wanted.tags["ml_platform/rollout"]
    done = definitions.resolve_job_def(f"{MODEL}_rollout").execute_in_process(instance=instance, tags=wanted.tags)
    (event,) = done.get_asset_materialization_events()
    shown = {key: value.value for key, value in event.materialization.metadata.items()}
    assert shown["decision"] == "stop"
    assert shown["done"] == "v3 is stopped and barred, v2 stays live"
    assert "rollout_errors" in str(shown["measurements"])
    live = project.live("production")
    assert live is not None
    assert live.version == 2
    assert "v3 was barred" in project.ask("promote", MODEL, "--env", "production", "--reason", "again").err
    assert tick().skip_message == "no version is on trial"
    assert project.ask("audit", "verify").code == 0


def fail(rollout: RolloutRecord, count: int) -> None:
    """Write down what a service does whose canary fails every time."""
    with open_platform(load_settings()) as platform:
        log = TrafficLog(traffic_folder(platform.home, "production", MODEL), keys=platform.keys)
        for index in range(count):
            at = rollout.since + dt.timedelta(seconds=index + 1)
            live = Prediction(
                id=f"live {index}", at=at, event_time=at, model=MODEL, environment="production",
                version=rollout.champion, model_digest=rollout.champion_digest, status=200, score=0.3,
                latency_seconds=0.001, rollout=rollout.rollout_id,
            )  # fmt: skip
            failed = Prediction(
                id=f"canary {index}", at=at, event_time=at, model=MODEL, environment="production",
                version=rollout.version, model_digest=rollout.model_digest, status=500, score=None,
                latency_seconds=0.001, route="canary", pair=live.id, rollout=rollout.rollout_id,
            )  # fmt: skip
            log.append([live, failed] if rollout.takes(live.id) else [live])
        log.close()
