"""Live spans: which version was live in an environment from when until when, as the ledger's history tells it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import DeploymentRecord

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LiveSpan:
    """A deployment with the moment from which on another was live in its place; None while it is live."""

    deployment: DeploymentRecord
    until: dt.datetime | None


def live_spans(history: Sequence[DeploymentRecord]) -> tuple[LiveSpan, ...]:
    """Return the spans of one model in one environment, oldest first, as `Ledger.history` orders them."""
    ends = [*(later.since for later in history[1:]), None]
    return tuple(LiveSpan(one, until) for one, until in zip(history, ends, strict=bool(history)))


def live_within(spans: Sequence[LiveSpan], start: dt.datetime, end: dt.datetime) -> tuple[LiveSpan, ...]:
    """Return the spans that share a moment with [start, end]."""
    return tuple(span for span in spans if span.deployment.since <= end and (span.until is None or span.until > start))


def asked_time(text: str) -> tuple[dt.datetime, dt.datetime]:
    """Return the first and the last moment that a day (`2026-05-03`) or a time (`2026-05-03T14:00`) means, in UTC.

    A time without a zone is in UTC. Raises DataInvalid for anything else.
    """
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        message = f"--at {text!r}: isn't a day or a time; write 2026-05-03 or 2026-05-03T14:00Z"
        raise DataInvalid(message) from error
    start = found.replace(tzinfo=found.tzinfo or dt.UTC).astimezone(dt.UTC)
    is_day = len(text) == len("2026-05-03")
    return start, start + DAY - dt.timedelta(microseconds=1) if is_day else start
