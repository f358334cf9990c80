"""The audit chain: each entry's hash covers the entry and the hash before it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import sqlite3
from collections.abc import Mapping
from json.encoder import encode_basestring as quoted

from ml_platform.adapters.ledger.schema import GENESIS
from ml_platform.core.digest import canonical_json
from ml_platform.core.ports import AuditEntry

COLUMNS = "sequence, at, actor, action, subject, payload, previous, hash"
Row = tuple[int, str, str, str, str, str, str, str]


def row_hash(row: Row) -> str:
    """Return the hash of an entry's row, whatever hash it names: that of its canonical JSON, the previous included.

    The JSON is put together from texts that are canonical already, as a long chain is hashed in one go.
    """
    sequence, at, actor, action, subject, payload, previous, _ = row
    text = (
        f'{{"action":{quoted(action)},"actor":{quoted(actor)},"at":{quoted(at)},"payload":{payload},'
        f'"previous":{quoted(previous)},"sequence":{sequence},"subject":{quoted(subject)}}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


def entry_hash(entry: AuditEntry) -> str:
    """Return the hash of an entry: the SHA-256 of its canonical JSON, the previous hash included."""
    return row_hash(row_of(entry))


def row_of(entry: AuditEntry) -> Row:
    """Return an entry's row."""
    return (
        entry.sequence,
        entry.at.isoformat(),
        entry.actor,
        entry.action,
        entry.subject,
        canonical_json(entry.payload),
        entry.previous,
        entry.hash,
    )


def next_entry(
    previous: tuple[int, str] | None,
    action: str,
    *,
    actor: str,
    subject: str,
    payload: Mapping[str, object],
    at: dt.datetime,
) -> AuditEntry:
    """Make the entry that follows the (sequence, hash) of the newest one."""
    return entry_of(_next_row(previous, (action, actor, subject), payload, at))


def _next_row(
    previous: tuple[int, str] | None, about: tuple[str, str, str], payload: Mapping[str, object], at: dt.datetime
) -> Row:
    sequence, last = previous or (0, GENESIS)
    action, actor, subject = about
    time = at.astimezone(dt.UTC).isoformat()
    row: Row = (sequence + 1, time, actor, action, subject, canonical_json(payload), last, "")
    return (*row[:7], row_hash(row))


def append(
    connection: sqlite3.Connection,
    action: str,
    *,
    actor: str,
    subject: str,
    payload: Mapping[str, object],
    at: dt.datetime,
) -> AuditEntry:
    """Append an entry inside the open transaction."""
    newest = connection.execute("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1").fetchone()
    row = _next_row(newest, (action, actor, subject), payload, at)
    connection.execute(
        f"INSERT INTO audit ({COLUMNS}, model) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (a constant)
        (*row, model_of(subject)),
    )
    return entry_of(row)


def entry_of(row: Row) -> AuditEntry:
    """Read an entry from its row; raises ValueError when the row isn't one."""
    sequence, at, actor, action, subject, payload, previous, its_hash = row
    return AuditEntry(
        sequence=sequence,
        at=dt.datetime.fromisoformat(at),
        actor=actor,
        action=action,
        subject=subject,
        payload=json.loads(payload),
        previous=previous,
        hash=its_hash,
    )


def model_of(subject: str) -> str:
    """Return the model that a subject (`flights@production`, `flights v3`, `flights/split`) is about.

    >>> model_of("flights@production")
    'flights'
    """
    found = re.match(r"[a-z][a-z0-9_]*", subject)
    return found.group() if found else ""
