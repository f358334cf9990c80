"""Rows of the append-only tables: each is written together with an audit entry that holds its digest."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping

import msgspec

from ml_platform.adapters.ledger.chain import append
from ml_platform.core.digest import digest_of
from ml_platform.core.ports import AuditEntry

# The audit action that writes a row of each table.
ACTIONS = {
    "parts": "verdicts_recorded",
    "releases": "released",
    "approvals": "approved",
    "approval_uses": "approval_used",
    "deployments": "deployed",
    "barred": "barred",
    "projected": "projected",
    "rejections": "rejected",
    "withdrawals": "rejection_withdrawn",
    "rollouts": "rollout_begun",
    "rollout_ends": "rollout_ended",
    "rollout_approvals": "rollout_approved",
}

Row = Mapping[str, object]


def insert(
    connection: sqlite3.Connection,
    table: str,
    row: Row,
    *,
    actor: str,
    subject: str,
    at: dt.datetime,
    facts: Mapping[str, object] | None = None,
) -> AuditEntry:
    """Append the row's audit entry and the row itself inside the open transaction."""
    payload = {**(facts or {}), "row": digest_of(row)}
    entry = append(connection, ACTIONS[table], actor=actor, subject=subject, payload=payload, at=at)
    columns = ", ".join(("audit", *row))
    marks = ", ".join("?" * (len(row) + 1))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 (names come from ACTIONS, never from outside)
    connection.execute(statement, (entry.sequence, *row.values()))
    return entry


def written(record: object) -> str:
    """Write a record as JSON for a `content` column."""
    return msgspec.json.encode(record).decode()
