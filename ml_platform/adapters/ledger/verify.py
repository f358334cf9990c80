"""Verifying a ledger: whether its history is the one that was written, whole, unedited and in order."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ml_platform.adapters.ledger.chain import COLUMNS, entry_hash, entry_of, model_of
from ml_platform.adapters.ledger.head import NAME, read_head
from ml_platform.adapters.ledger.looking import looking
from ml_platform.adapters.ledger.rows import ACTIONS
from ml_platform.adapters.ledger.schema import GENESIS
from ml_platform.adapters.ledger.shown import read_shown, shown_problems
from ml_platform.core.digest import canonical_json, digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import AuditEntry


def verify_audit(path: Path) -> list[str]:
    """Return every problem of a ledger's history and of what is shown of it, in words; an empty list: it is whole.

    Besides those of `verify_history`: a deployment manifest that doesn't show what is live.
    """
    shown = read_shown(path.parent)
    with looking(path) as connection:
        outside = list(shown_problems(connection, path.parent, shown))
    return verify_history(path) + outside


def verify_history(path: Path) -> list[str]:
    """Return every problem of a ledger's history, in words.

    Finds edited, removed, inserted and reordered entries; rows that differ from what their entry says; a live
    pointer that isn't the newest deployment; an end that was cut off or an older copy put in place. Somebody who
    rewrites the whole chain and its head is only found by comparing with a head that is kept elsewhere.
    """
    with looking(path) as connection:
        entries: dict[int, AuditEntry] = {}
        problems = list(_chain_problems(connection, entries))
        for table in ACTIONS:
            problems += _row_problems(connection, table, entries)
        problems += _live_problems(connection)
    return problems + list(_head_problems(path, entries))


def _chain_problems(connection: sqlite3.Connection, entries: dict[int, AuditEntry]) -> Iterator[str]:
    previous, expected = GENESIS, 1
    for row in connection.execute(f"SELECT {COLUMNS}, model FROM audit ORDER BY sequence"):  # noqa: S608 (a constant)
        sequence = row[0]
        if sequence != expected:
            yield f"audit entries {expected} to {sequence - 1} are missing"
        try:
            entry = entry_of(row[:8])
        except ValueError as error:
            yield f"audit entry {sequence} can't be read ({error})"
        else:
            entries[sequence] = entry
            if entry.previous != previous:
                yield f"audit entry {sequence} doesn't follow the entry before it"
            if not _intact(entry, payload=row[5], model=row[8]):
                yield f"audit entry {sequence} ({entry.action} {entry.subject}) was edited"
        previous, expected = row[7], sequence + 1


def _intact(entry: AuditEntry, *, payload: str, model: str) -> bool:
    return (
        entry_hash(entry) == entry.hash
        and canonical_json(entry.payload) == payload
        and model_of(entry.subject) == model
    )


def _row_problems(connection: sqlite3.Connection, table: str, entries: dict[int, AuditEntry]) -> Iterator[str]:
    cursor = connection.execute(f"SELECT * FROM {table} ORDER BY audit")  # noqa: S608 (names come from ACTIONS)
    names = [column[0] for column in cursor.description]
    expected = {sequence for sequence, entry in entries.items() if entry.action == ACTIONS[table]}
    seen: Counter[int] = Counter()
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        sequence = row.pop("audit")
        seen[sequence] += 1
        entry = entries.get(sequence)
        if entry is None or entry.action != ACTIONS[table] or entry.payload.get("row") != digest_of(row):
            yield f"the row of {table} for audit entry {sequence} isn't the one that was recorded"
    for sequence in sorted(expected - set(seen)):
        yield f"the row of {table} for audit entry {sequence} is missing"


def _live_problems(connection: sqlite3.Connection) -> Iterator[str]:
    newest = connection.execute("SELECT model, environment, max(audit) FROM deployments GROUP BY 1, 2")
    expected = {(model, environment): sequence for model, environment, sequence in newest}
    found = {
        (model, environment): sequence
        for model, environment, sequence in connection.execute("SELECT model, environment, deployment FROM live")
    }
    for model, environment in sorted(expected.keys() | found.keys()):
        key = (model, environment)
        if expected.get(key) != found.get(key):
            yield f"{model}@{environment}: the live pointer isn't the newest deployment"


def _head_problems(path: Path, entries: dict[int, AuditEntry]) -> Iterator[str]:
    try:
        head = read_head(path)
    except DataInvalid as error:
        yield str(error)
        return
    if head is None:
        if entries:
            yield f"{NAME} is missing beside the ledger, so a cut-off end would not be noticed"
    elif head.sequence not in entries or entries[head.sequence].hash != head.hash:
        yield f"{NAME} saw entry {head.sequence}, which isn't in the chain: its end was cut off or it is another copy"
