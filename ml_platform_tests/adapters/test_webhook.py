"""A webhook is signed, sent to one allowed address, retried for a while, and delivered only when it was answered so."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import socket
import time
from collections.abc import Iterator

import pytest

from ml_platform.adapters.reach import address_of, is_public
from ml_platform.adapters.webhook import Webhook, signature_of
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.notice import Notice
from ml_platform_tests.adapters.receiver import Receiver, receiving

KEY = "k" * 32
NOTICE = Notice(
    key="released-abc", kind="released", model="flights", cause="c", title="flights v1 was released",
    evidence=("auc = 0.77 [0.75, 0.79] (n = 900)",), next_step="look", at=dt.datetime(2026, 5, 1, tzinfo=dt.UTC),
    sequence=7,
)  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def hook(receiver: Receiver, **changes: object) -> Webhook:
    made = Webhook(
        channel="hook", url=receiver.url, key=KEY, hosts=("127.0.0.1",), private=True, clock=lambda: 1700000000.0,
        pause=lambda _: None,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_what_arrives_is_signed_with_its_time_and_carries_the_key_that_never_comes_twice(receiver: Receiver) -> None:
    assert hook(receiver).send(NOTICE).how == "answered 200"
    [(path, headers, body)] = receiver.received
    assert path == "/hook"
    assert headers["X-ML-Platform-Signature"] == f"sha256={signature_of(KEY, '1700000000', body)}"
    assert headers["X-ML-Platform-Key"] == "released-abc"
    said = json.loads(body)
    assert (said["kind"], said["model"], said["audit_entry"]) == ("released", "flights", 7)
    assert said["evidence"] == ["auc = 0.77 [0.75, 0.79] (n = 900)"]
    assert "Next: look" in said["text"]


def test_a_receiver_in_trouble_is_tried_again_until_it_answers(receiver: Receiver) -> None:
    receiver.statuses = [500, 503]
    assert hook(receiver).send(NOTICE).tries == 3
    assert len({headers["X-ML-Platform-Key"] for _, headers, _ in receiver.received}) == 1


def test_a_receiver_that_stays_in_trouble_is_not_delivered_to(receiver: Receiver) -> None:
    receiver.statuses = [500] * 5
    with pytest.raises(Unavailable, match="answered 500, after 3 of 3 tries"):
        hook(receiver).send(NOTICE)


def test_what_is_refused_for_good_is_not_tried_again(receiver: Receiver) -> None:
    receiver.statuses = [404]
    with pytest.raises(Unavailable, match="answered 404, after 1 of 3 tries"):
        hook(receiver).send(NOTICE)
    assert len(receiver.received) == 1


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.statuses, receiver.location = [307], receiver.url + "/elsewhere"
    with pytest.raises(Unavailable, match="redirects"):
        hook(receiver).send(NOTICE)
    assert len(receiver.received) == 1


def test_a_receiver_that_answers_byte_by_byte_is_left_at_the_deadline(receiver: Receiver) -> None:
    receiver.drip_seconds = 0.02
    began = time.monotonic()
    with pytest.raises(Unavailable, match="it took too long"):
        hook(receiver, deadline_seconds=0.2).send(NOTICE)
    assert time.monotonic() - began < 2.0


def test_nobody_listening_is_said_without_the_address(receiver: Receiver) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/token-in-the-path"
    with pytest.raises(Unavailable, match="can't be reached") as caught:
        hook(receiver, url=url).send(NOTICE)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"hosts": ("example.org",)}, "isn't among the channel's hosts"),
        ({"private": False}, "isn't https"),
        ({"private": False, "url": "https://127.0.0.1/x"}, "isn't one of the public internet"),
        ({"url": "http://user:secret@127.0.0.1/"}, "isn't https"),
        ({"url": "http://127.0.0.1:99999/"}, "isn't https"),
        ({"key": "short"}, "32 characters"),
    ],
)
def test_what_may_not_be_reached_is_not(receiver: Receiver, changes: dict[str, object], why: str) -> None:
    with pytest.raises(Unavailable, match=why) as caught:
        hook(receiver, **changes).send(NOTICE)
    assert "secret" not in str(caught.value)
    assert not receiver.received


def test_secrets_arent_shown(receiver: Receiver) -> None:
    shown = repr(hook(receiver, url="https://127.0.0.1/s3cret"))
    assert KEY not in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::1", "fe80::1%eth0", "100.64.0.1", "224.0.0.1", "2002:a00:1::"]
)
def test_addresses_that_lead_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_a_name_that_resolves_to_a_private_address_is_refused() -> None:
    with pytest.raises(DataInvalid, match="public internet"):
        address_of("localhost", 80, private=False)
    assert address_of("localhost", 80, private=True)


def test_a_name_that_doesnt_resolve_is_said() -> None:
    with pytest.raises(Unavailable, match="can't be resolved"):
        address_of("nowhere.invalid", 80, private=True)
