"""Apprise sends through real sockets to the channel's hosts and to nothing else; secrets show nowhere."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.notifications import Apprise, Unset, notifiers_of, telling_alone
from ml_platform.adapters.webhook import Webhook
from ml_platform.core.errors import Unavailable
from ml_platform.policy.notifications import Channel, Notifications
from ml_platform_tests.adapters.receiver import Receiver, receiving
from ml_platform_tests.adapters.test_webhook import KEY, NOTICE


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def channel(receiver: Receiver, **changes: object) -> Apprise:
    url = f"json://user:s3cret@127.0.0.1:{receiver.port}/hook"
    made = Apprise(channel="json", url=url, hosts=("127.0.0.1",), private=True)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_a_notice_arrives_through_apprise(receiver: Receiver) -> None:
    receiver.received.clear()
    assert channel(receiver).send(NOTICE).how == "accepted by the service"
    [(_, _, body)] = receiver.received
    said = json.loads(body)
    assert said["title"] == NOTICE.title
    assert "released-abc" in said["message"]


def test_a_service_that_fails_is_said_with_its_status_and_no_secret(receiver: Receiver) -> None:
    receiver.statuses = [500]
    with pytest.raises(Unavailable, match="answered 500") as caught:
        channel(receiver).send(NOTICE)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"hosts": ("example.org",)}, "isn't among the channel's hosts"),
        ({"private": False}, "isn't one of the public internet"),
    ],
)
def test_only_the_channels_hosts_are_reached(receiver: Receiver, changes: dict[str, object], why: str) -> None:
    receiver.received.clear()
    with pytest.raises(Unavailable, match=why):
        channel(receiver, **changes).send(NOTICE)
    assert not receiver.received


def test_a_redirect_to_another_host_is_refused(receiver: Receiver) -> None:
    receiver.statuses, receiver.location = [307], f"http://localhost:{receiver.port}/elsewhere"
    receiver.received.clear()
    with pytest.raises(Unavailable, match="'localhost' isn't among"):
        channel(receiver).send(NOTICE)
    assert len(receiver.received) == 1
    receiver.location = ""


def test_an_address_that_apprise_doesnt_know_is_said(receiver: Receiver) -> None:
    with pytest.raises(Unavailable, match="knows no such address"):
        channel(receiver, url="nothing://s3cret").send(NOTICE)


def test_a_sender_that_takes_too_long_is_ended(receiver: Receiver) -> None:
    with pytest.raises(Unavailable, match="took longer"):
        channel(receiver, deadline_seconds=0.01).send(NOTICE)


def test_a_channel_whose_secret_isnt_set_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    chat, hook = Channel(kind="apprise", hosts=("a.example",)), Channel(kind="webhook", hosts=("a.example",))
    wanted = Notifications(channels={"chat": chat, "hook": hook})
    found = notifiers_of(wanted)
    assert all(isinstance(one, Unset) for one in found.values())
    with pytest.raises(Unavailable, match="ML_PLATFORM_NOTIFY_URL_CHAT isn't set"):
        found["chat"].send(NOTICE)
    monkeypatch.setenv("ML_PLATFORM_NOTIFY_URL_CHAT", "json://a.example")
    monkeypatch.setenv("ML_PLATFORM_NOTIFY_URL_HOOK", "https://a.example/x")
    assert isinstance(notifiers_of(wanted)["chat"], Apprise)
    with pytest.raises(Unavailable, match="ML_PLATFORM_NOTIFY_KEY_HOOK isn't set"):
        notifiers_of(wanted)["hook"].send(NOTICE)
    monkeypatch.setenv("ML_PLATFORM_NOTIFY_KEY_HOOK", KEY)
    assert isinstance(notifiers_of(wanted)["hook"], Webhook)


def test_one_process_tells_at_a_time(tmp_path: Path) -> None:
    with telling_alone(tmp_path), pytest.raises(Unavailable, match="another process"), telling_alone(tmp_path):
        pass
    with telling_alone(tmp_path):
        assert (tmp_path / ".notifications.lock").is_file()
