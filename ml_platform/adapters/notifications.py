"""Notifications: the channels of a home as notifiers, and the lock that lets one process tell at a time."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from ml_platform.adapters.webhook import Webhook
from ml_platform.core.errors import Unavailable
from ml_platform.core.notice import Delivered, Notice
from ml_platform.settings import environment_of_sender, notify_key, notify_url, notify_variable

if TYPE_CHECKING:
    from ml_platform.core.ports import Notifier
    from ml_platform.policy.notifications import Channel, Notifications

DEADLINE_SECONDS = 30.0
MODULE = "ml_platform.adapters.apprise_child"


def notifiers_of(wanted: Notifications) -> dict[str, Notifier]:
    """Return a notifier per channel; one whose secret isn't set says so whenever it should send."""
    return {name: _notifier(name, channel) for name, channel in wanted.channels.items()}


def _notifier(name: str, channel: Channel) -> Notifier:
    url = notify_url(name)
    if not url:
        return Unset(channel=name, variable=notify_variable(name))
    match channel.kind:
        case "apprise":
            return Apprise(channel=name, url=url, hosts=channel.hosts, private=channel.private_addresses)
        case "webhook":
            key = notify_key(name)
            if not key:
                return Unset(channel=name, variable=notify_variable(name, what="KEY"))
            return Webhook(channel=name, url=url, key=key, hosts=channel.hosts, private=channel.private_addresses)
        case kind:
            assert_never(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unset:
    """A channel that nobody can be reached on: its secret isn't in the environment."""

    channel: str
    variable: str

    def send(self, notice: Notice) -> Delivered:  # noqa: ARG002 - the port's
        """Raise Unavailable."""
        message = f"{self.channel}: {self.variable} isn't set; it says where the channel leads to or signs; set it"
        raise Unavailable(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apprise:
    """A `Notifier` through Apprise, in a process of its own that reaches the channel's hosts only and is ended in time.

    The URL goes there through a pipe: no list of processes, log or error shows it.
    """

    channel: str
    url: str = field(repr=False)
    hosts: tuple[str, ...]
    private: bool
    deadline_seconds: float = DEADLINE_SECONDS

    def send(self, notice: Notice) -> Delivered:
        """Send a notice; delivered is what the service accepted."""
        import msgspec

        order = {
            "url": self.url, "hosts": self.hosts, "private": self.private, "title": notice.title,
            "body": notice.text(),
        }  # fmt: skip
        try:
            done = subprocess.run(
                [sys.executable, "-m", MODULE], input=msgspec.json.encode(order), capture_output=True,
                timeout=self.deadline_seconds, check=False, env=environment_of_sender(),
            )  # fmt: skip
            answer = msgspec.json.decode(done.stdout, type=Mapping[str, bool | str])
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{self.channel}: it took longer than {self.deadline_seconds:g} s") from None
        except (OSError, msgspec.MsgspecError):
            raise Unavailable(
                f"{self.channel}: the process that sends ended before it said what became of it"
            ) from None
        if answer.get("delivered") is not True:
            raise Unavailable(f"{self.channel}: {answer.get('why', '')}")
        return Delivered(how="accepted by the service")


@contextmanager
def telling_alone(home: Path) -> Iterator[None]:
    """Hold the lock that lets one process tell at a time; raises Unavailable at once when another does."""
    path = home / ".notifications.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}; free space or give write permission") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"{path}: another process is telling right now; nothing has to be done") from None
        yield
    finally:
        os.close(descriptor)
