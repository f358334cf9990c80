"""`ml-platform health`, its sensor and its asset: what isn't well is said, recorded and told; silence fires."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.adapters.look_log import LookLog
from ml_platform.adapters.platform import open_platform
from ml_platform.cli.models import utc_now
from ml_platform.core.health import Look, Machine
from ml_platform.orchestration.build import build_all, build_model
from ml_platform.orchestration.dead_man import why_silent
from ml_platform.orchestration.health_sensor import SENSOR, health_sensor
from ml_platform.orchestration.launch import Dagster
from ml_platform.policy.load import load_model
from ml_platform.policy.states import control_states
from ml_platform.settings import load_settings
from ml_platform.stages.notices import SILENT
from ml_platform_tests.adapters.receiver import Receiver, receiving
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import NAME, release

HOOK = "channels:\n  hook:\n    kind: webhook\n    hosts: [127.0.0.1]\n    private_addresses: true\n"
MACHINE = Machine(memory_available_share=0.5, load_per_cpu=0.7, disk_free_bytes=500, disk_total_bytes=1000)
NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@pytest.fixture
def live(run: Run, defs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the models' folder of a home where something is live."""
    version = release(defs)
    with open_platform(load_settings()) as platform:
        platform.ledger.deploy(version, "production", actor="bob", reason="good", approvals=(), at=utc_now())
    monkeypatch.chdir(tmp_path)
    return defs


@pytest.fixture
def receiver(live: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    (load_settings().home / "notifications.yaml").write_text(HOOK, encoding="utf-8")
    with receiving() as found:
        monkeypatch.setenv("ML_PLATFORM_NOTIFY_URL_HOOK", found.url)
        monkeypatch.setenv("ML_PLATFORM_NOTIFY_KEY_HOOK", "k" * 32)
        assert run("notify", "test", "hook").code == 0
        run("notify")
        found.received.clear()
        yield found


def beat(age: dt.timedelta, by: str = "sensor") -> None:
    look = Look(at=utc_now() - age, by=by, machine=MACHINE)  # type: ignore[arg-type]
    LookLog(load_settings().home).append(look)


def test_what_isnt_known_is_undecided_and_says_what_to_do(live: Path, run: Run) -> None:
    said = run("health")
    assert said.code == 3
    assert "✓ disk_has_room" in said.out
    assert "? daemon_is_alive" in said.out
    assert "there is no dagster.yaml" in said.out
    assert "? notices_arrive" in said.out
    assert [look.by for look in LookLog(load_settings().home).read()] == ["command"]


def test_it_is_said_to_programs(live: Path, run: Run, tmp_path: Path) -> None:
    [each] = json.loads(run("health", NAME, "--json").out)
    assert each["model"] == NAME
    assert {one["gate"] for one in each["verdicts"]} >= {"disk_has_room", "notices_arrive"}
    target = tmp_path / "ml_platform.prom"
    assert run("health", "--prometheus", str(target)).out == ""
    text = target.read_text()
    assert f'ml_platform_health_disk_free_share{{model="{NAME}"}}' in text
    assert f'ml_platform_health_gate_open{{model="{NAME}",gate="notices_arrive",severity="block"}} 0.0' in text


def test_with_a_channel_that_works_people_are_known_to_be_told(live: Path, run: Run, receiver: Receiver) -> None:
    assert "✓ notices_arrive" in run("health").out


def test_nothing_live_has_nothing_to_be_well(run: Run) -> None:
    said = run("health")
    assert (said.code, "nothing is live" in said.out) == (0, True)


def test_the_dead_mans_switch_fires_once_per_silence_and_tells(live: Path, run: Run, receiver: Receiver) -> None:
    beat(dt.timedelta(minutes=5))
    assert run("health", "--dead-man").code == 0
    said = run("health", "--dead-man", "--silent-after", "4")
    assert (said.code, "monitoring itself has stopped" in said.err) == (1, True)
    assert json.loads(receiver.received[-1][2])["kind"] == "silent"
    assert run("health", "--dead-man", "--silent-after", "4").code == 1
    assert len(receiver.received) == 1
    with open_platform(load_settings()) as platform:
        assert sum(1 for _ in platform.ledger.after(0, {SILENT})) == 1


def test_a_look_by_hand_is_no_heartbeat(live: Path, run: Run) -> None:
    beat(dt.timedelta(), by="command")
    said = run("health", "--dead-man")
    assert (said.code, "no sensor has ever looked" in said.err) == (1, True)
    assert "nobody is told" in said.err


def test_who_cant_be_told_is_said(live: Path, run: Run) -> None:
    (load_settings().home / "notifications.yaml").write_text("channels: 3\n", encoding="utf-8")
    assert "nobody could be told" in run("health", "--dead-man").err


@pytest.mark.parametrize(
    ("age", "silent"),
    [
        (dt.timedelta(minutes=20), False),
        (dt.timedelta(minutes=20, seconds=1), True),
        (-dt.timedelta(minutes=20), False),
        (-dt.timedelta(minutes=21), True),
    ],
)
def test_silence_is_decided_at_the_limit_and_a_future_look_is_none(age: dt.timedelta, *, silent: bool) -> None:
    assert bool(why_silent(NOW - age, now=NOW, limit=dt.timedelta(minutes=20))) is silent


def test_the_sensor_beats_and_asks_for_a_record_when_something_changed(live: Path) -> None:
    sensor = health_sensor([live / NAME / "defs.yaml"])
    with dg.instance_for_test() as instance:
        first = sensor(dg.build_sensor_context(instance=instance))
        assert isinstance(first, dg.SensorResult)
        [request] = first.run_requests or []
        assert request.asset_selection == [dg.AssetKey([NAME, "health"])]
        assert [look.by for look in LookLog(load_settings().home).read()] == ["sensor"]
        done = (
            build_model(load_model(live / NAME / "defs.yaml", now=utc_now()))
            .resolve_job_def(f"{NAME}_health")
            .execute_in_process(instance=instance, raise_on_error=False)
        )
        assert not done.success, "undecided fails closed"
        judged = {one.check_name: one.passed for one in done.get_asset_check_evaluations()}
        assert judged["disk_has_room"]
        assert not judged["daemon_is_alive"]
        second = sensor(dg.build_sensor_context(instance=instance))
        assert isinstance(second, dg.SkipReason)
        assert "recorded at" in str(second.skip_message)


def test_the_daemon_accepts_the_run_that_the_sensor_asks_for(live: Path) -> None:
    definitions = build_all(load_settings())
    with dg.instance_for_test() as instance:
        tick = Dagster(instance=instance, definitions=definitions).tick(SENSOR)
    assert (len(tick.requests), tick.reason) == (1, "")


def test_communicate_is_enforced_only_where_something_arrived(live: Path, run: Run, receiver: Receiver) -> None:
    file = load_model(live / NAME / "defs.yaml", now=utc_now())
    with dg.instance_for_test() as instance:
        job = build_model(file).resolve_job_def(f"{NAME}_health")
        job.execute_in_process(instance=instance, raise_on_error=False)
    with open_platform(load_settings()) as platform:
        part = platform.ledger.latest_part(NAME, "health")
        states = {one.id: one for one in control_states(file.policy, {"health": part})}
        assert states["COMMUNICATE"].state == "enforced"
        assert {one.id: one for one in control_states(file.policy, {})}["COMMUNICATE"].state == "undecided"
        assert states["HEALTH"].state == "undecided"


def test_the_sensor_says_why_it_cant_look(live: Path, run: Run) -> None:
    (load_settings().home / "notifications.yaml").write_text("channels: 3\n", encoding="utf-8")
    with dg.instance_for_test() as instance:
        done = health_sensor([live / NAME / "defs.yaml"])(dg.build_sensor_context(instance=instance))
    assert isinstance(done, dg.SkipReason)
    assert "can't be looked at" in str(done.skip_message)


def test_where_nothing_was_released_the_sensor_rests(run: Run) -> None:
    done = health_sensor([])(dg.build_sensor_context())
    assert isinstance(done, dg.SkipReason)
    assert "nothing was ever released" in str(done.skip_message)
