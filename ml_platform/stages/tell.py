"""Tell: bring what the audit says to the channels, each entry at least once per channel, the same cause not again.

The audit is the outbox, and the cursor of a channel is its own newest entry there: whoever is killed between sending
and writing that down sends once more, under the same key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_platform.core.errors import Unavailable
from ml_platform.core.health import Pending
from ml_platform.core.notice import Delivered, Notice
from ml_platform.core.ports import Ledger
from ml_platform.stages.notices import ACTIONS, About, notice_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_platform.core.ports import AuditEntry, Notifier
    from ml_platform.policy.notifications import Channel, Notifications

ACTION = "notification"
ACTOR = "ml_platform"
FIRST_WAIT = dt.timedelta(minutes=1)
LONGEST_WAIT = dt.timedelta(hours=1)
MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one channel: how many notices arrived, were said before, or were given up; and why not all."""

    channel: str
    delivered: int = 0
    repeated: int = 0
    given_up: int = 0
    why_not: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What telling needs: the audit, what model files say, and the time."""

    ledger: Ledger
    about: About
    now: dt.datetime


def subject_of(channel: str) -> str:
    """Return what a channel's entries in the audit are about."""
    return f"notifications/{channel}"


def tell(post: Post, wanted: Notifications, notifiers: Mapping[str, Notifier]) -> list[Told]:
    """Bring every pending notice to every channel; a channel that fails is tried again later and stops no other."""
    return [_tell(post, name, channel, wanted, notifiers[name]) for name, channel in wanted.channels.items()]


def _tell(post: Post, name: str, channel: Channel, wanted: Notifications, notifier: Notifier) -> Told:
    newest = post.ledger.last(ACTION, subject=subject_of(name))
    if newest is None:
        cursor = max((entry.sequence for entry in post.ledger.audit()), default=0)
        _note(post, name, {"outcome": "begun", "cursor": cursor})
        return Told(channel=name, why_not="begins now: what happened before isn't told")
    if (retry := _retry_at(newest)) is not None and post.now < retry <= post.now + LONGEST_WAIT:
        return Told(
            channel=name,
            why_not=f"failed ({newest.payload['why']}); tried again from {retry:%H:%M:%S} UTC on",
            failed=True,
        )
    told = Told(channel=name)
    for notice in pending(post, name, channel):
        if told.delivered + told.repeated + told.given_up >= MOST_AT_ONCE:
            return replace(told, why_not="more is pending; it follows in the next round")
        if _said_before(post, name, notice, wanted):
            _note(post, name, _facts(notice, "repeated"))
            told = replace(told, repeated=told.repeated + 1)
            continue
        try:
            done = notifier.send(notice)
        except Unavailable as error:
            outcome = _failed(post, name, notice, wanted, str(error))
            if outcome == "failed":
                return replace(told, why_not=str(error), failed=True)
            told = replace(told, given_up=told.given_up + 1, why_not=str(error), failed=True)
            continue
        _delivered(post, name, notice, done)
        told = replace(told, delivered=told.delivered + 1)
    return told


def pending(post: Post, name: str, channel: Channel) -> Iterator[Notice]:
    """Yield what a channel hasn't been told yet, oldest first; nothing before the channel began."""
    newest = post.ledger.last(ACTION, subject=subject_of(name))
    if newest is None:
        return
    for entry in list(post.ledger.after(_number(newest, "cursor"), ACTIONS)):
        notice = notice_of(entry, post.ledger, post.about)
        if notice is not None and channel.wants(notice):
            yield notice


def trial_notice(post: Post, name: str) -> Notice:
    """Return a notice that only says that the channel works."""
    entry = post.ledger.append(ACTION, actor=ACTOR, subject=f"{subject_of(name)}/test", payload={}, at=post.now)
    return Notice(
        key=f"test-{entry.hash[:32]}", kind="test", model="", cause="test", title=f"A test of the channel {name}",
        evidence=("somebody asked whether this arrives",), next_step="nothing", at=post.now, sequence=entry.sequence,
    )  # fmt: skip


def _said_before(post: Post, name: str, notice: Notice, wanted: Notifications) -> bool:
    """Say whether the channel was told the same cause shortly before this happened."""
    since = notice.at - dt.timedelta(hours=wanted.repeat_after_hours)
    return any(
        entry.payload.get("outcome") == "delivered" and entry.payload.get("cause") == notice.cause and entry.at > since
        for entry in post.ledger.all_of(ACTION, subject=subject_of(name))
    )


def _delivered(post: Post, name: str, notice: Notice, done: Delivered) -> None:
    _note(post, name, {**_facts(notice, "delivered"), "how": done.how, "tries": done.tries})


def _failed(post: Post, name: str, notice: Notice, wanted: Notifications, why: str) -> str:
    """Write down that a notice didn't arrive; give it up once it is too old to be of use."""
    if post.now - notice.at >= dt.timedelta(hours=wanted.give_up_after_hours):
        _note(post, name, {**_facts(notice, "given_up"), "why": why})
        return "given_up"
    newest = post.ledger.last(ACTION, subject=subject_of(name))
    before = _number(newest, "failures") if newest else 0
    wait = min(FIRST_WAIT * 2 ** min(before, 10), LONGEST_WAIT)
    payload = {
        **_facts(notice, "failed"),
        "cursor": _number(newest, "cursor") if newest else 0,
        "failures": before + 1,
        "why": why,
        "retry_at": (post.now + wait).isoformat(),
    }
    _note(post, name, payload)
    return "failed"


def _facts(notice: Notice, outcome: str) -> dict[str, object]:
    return {
        "outcome": outcome, "cursor": notice.sequence, "kind": notice.kind, "about": notice.model, "key": notice.key,
        "cause": notice.cause,
    }  # fmt: skip


def _note(post: Post, name: str, payload: Mapping[str, object]) -> None:
    post.ledger.append(ACTION, actor=ACTOR, subject=subject_of(name), payload=payload, at=post.now)


def _retry_at(entry: AuditEntry) -> dt.datetime | None:
    if entry.payload.get("outcome") != "failed":
        return None
    return dt.datetime.fromisoformat(str(entry.payload["retry_at"]))


def _number(entry: AuditEntry, name: str) -> int:
    value = entry.payload.get(name, 0)
    return value if isinstance(value, int) else 0


def waiting(post: Post, name: str, channel: Channel) -> Pending:
    """Say since when the oldest notice waits on a channel, and when something last arrived there."""
    arrived = [
        entry.at
        for subject in (subject_of(name), f"{subject_of(name)}/test")
        for entry in post.ledger.all_of(ACTION, subject=subject)
        if entry.payload.get("outcome") == "delivered"
    ]
    first = next(pending(post, name, channel), None)
    return Pending(channel=name, waits_since=first.at if first else None, arrived_at=max(arrived, default=None))


def note_trial(post: Post, name: str, notice: Notice, done: Delivered) -> None:
    """Write down that a trial arrived: it proves that the channel works."""
    payload = {"outcome": "delivered", "key": notice.key, "how": done.how}
    post.ledger.append(ACTION, actor=ACTOR, subject=f"{subject_of(name)}/test", payload=payload, at=post.now)
