"""`ml-platform notify` and the sensor: a refusal reaches a real receiver, once; what can't be told is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.adapters.notifications import telling_alone
from ml_platform.adapters.platform import open_platform
from ml_platform.cli.models import utc_now
from ml_platform.orchestration.telling import known_of, notifications_sensor
from ml_platform.settings import load_settings
from ml_platform_tests.adapters.receiver import Receiver, receiving
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import NAME

HOOK = "channels:\n  hook:\n    kind: webhook\n    hosts: [127.0.0.1]\n    private_addresses: true\n"


@pytest.fixture
def receiver(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / "notifications.yaml").write_text(HOOK, encoding="utf-8")
    with receiving() as found:
        monkeypatch.setenv("ML_PLATFORM_NOTIFY_URL_HOOK", found.url)
        monkeypatch.setenv("ML_PLATFORM_NOTIFY_KEY_HOOK", "k" * 32)
        yield found


def refuse() -> None:
    with open_platform(load_settings()) as platform:
        payload = {"candidate": "c" * 64, "reasons": ["auc is 0.6"]}
        platform.ledger.append("release_refused", actor="bob", subject=NAME, payload=payload, at=utc_now())


def tick(defs: Path) -> str:
    sensor = notifications_sensor([defs / NAME / "defs.yaml"])
    done = sensor(dg.build_sensor_context())
    assert isinstance(done, dg.SkipReason)
    return str(done.skip_message)


def test_a_channel_is_tried(run: Run, receiver: Receiver) -> None:
    said = run("notify", "test", "hook")
    assert (said.code, "answered 200" in said.out) == (0, True)
    assert json.loads(receiver.received[0][2])["kind"] == "test"
    receiver.statuses = [404]
    said = run("notify", "test", "hook")
    assert (said.code, "answered 404" in said.err) == (1, True)
    said = run("notify", "test", "pigeon")
    assert (said.code, "known: hook" in said.err) == (2, True)


def test_the_command_delivers_what_is_pending_once(run: Run, receiver: Receiver) -> None:
    assert "begins now" in run("notify").out
    refuse()
    assert "1 delivered" in run("notify").out
    assert "nothing new" in run("notify").out
    assert len(receiver.received) == 1
    refuse()
    receiver.statuses = [404]
    assert run("notify").code == 0, "it was said before"


def test_what_cant_be_told_is_said(run: Run, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    run("notify")
    monkeypatch.delenv("ML_PLATFORM_NOTIFY_URL_HOOK")
    refuse()
    said = run("notify")
    assert (said.code, "ML_PLATFORM_NOTIFY_URL_HOOK isn't set" in said.err) == (1, True)
    assert not receiver.received


def test_without_channels_the_command_says_what_is_needed(run: Run) -> None:
    said = run("notify")
    assert (said.code, "notifications.yaml: isn't there" in said.err) == (2, True)


def test_the_sensor_delivers_and_says_why_not(
    run: Run, receiver: Receiver, defs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tick(defs) == "nothing has happened yet"
    refuse()
    assert "begins now" in tick(defs)
    refuse()
    assert tick(defs) == "hook: 1 delivered"
    with telling_alone(load_settings().home):
        assert "another process is telling" in tick(defs)
    (load_settings().home / "notifications.yaml").write_text("channels: 3\n", encoding="utf-8")
    assert "nobody could be told" in tick(defs)
    (load_settings().home / "notifications.yaml").unlink()
    assert "no channel is configured" in tick(defs)


def test_a_broken_model_file_stops_nobody_from_being_told(defs: Path) -> None:
    path = defs / NAME / "defs.yaml"
    assert known_of([path], utc_now())(NAME).approvals == 0
    path.write_text("nonsense", encoding="utf-8")
    assert known_of([path], utc_now())(NAME).harmful == frozenset()
    assert known_of([], utc_now())("gone").approvals == 0
