"""The audit chain: each entry's hash covers the entry and the hash before it."""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import replace

from ml_platform.adapters.ledger.schema import GENESIS
from ml_platform.core.digest import canonical_json, digest_of
from ml_platform.core.ports import AuditEntry

COLUMNS = "sequence, at, actor, action, subject, payload, previous, hash"
Row = tuple[int, str, str, str, str, str, str, str]


def entry_hash(entry: AuditEntry) -> str:
    """Return the hash of an entry: the SHA-256 of its canonical JSON, the previous hash included."""
    return digest_of(
        {
            "sequence": entry.sequence,
            "at": entry.at,
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "payload": entry.payload,
            "previous": entry.previous,
        }
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
    sequence, last = previous or (0, GENESIS)
    plain = json.loads(canonical_json(payload))
    entry = AuditEntry(
        sequence=sequence + 1,
        at=at.astimezone(dt.UTC),
        actor=actor,
        action=action,
        subject=subject,
        payload=plain,
        previous=last,
        hash="",
    )
    return replace(entry, hash=entry_hash(entry))


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
    entry = next_entry(newest, action, actor=actor, subject=subject, payload=payload, at=at)
    connection.execute(
        "INSERT INTO audit (sequence, at, actor, action, subject, model, payload, previous, hash) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.sequence,
            entry.at.isoformat(),
            entry.actor,
            entry.action,
            entry.subject,
            model_of(entry.subject),
            canonical_json(entry.payload),
            entry.previous,
            entry.hash,
        ),
    )
    return entry


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
