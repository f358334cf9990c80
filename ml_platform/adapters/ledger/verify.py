"""Verifying a ledger: whether its history is the one that was written, whole, unedited and in order."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import msgspec

from ml_platform.adapters.ledger import deploying, rolling
from ml_platform.adapters.ledger.chain import COLUMNS, model_of, row_hash
from ml_platform.adapters.ledger.checkpoints import Checkpoints
from ml_platform.adapters.ledger.head import NAME, read_head
from ml_platform.adapters.ledger.looking import looking
from ml_platform.adapters.ledger.rows import ACTIONS
from ml_platform.adapters.ledger.schema import GENESIS
from ml_platform.adapters.ledger.shown import read_shown, shown_problems
from ml_platform.adapters.ledger.vouching import checkpoint_problems
from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.rollout import rollout_problems
from ml_platform.core.signed_deployment import deployment_problems
from ml_platform.core.signing import Verifier

Written = dict[str, dict[int, object]]  # by action, the digest of the row that an entry says was written with it
_TABLES = frozenset(ACTIONS.values())
_model_of = lru_cache(maxsize=4096)(model_of)


def verify_audit(path: Path, checkpoints: Checkpoints | None = None) -> list[str]:
    """Return every problem of a ledger's history and of what is shown of it, in words; an empty list: it is whole.

    Besides those of `verify_history`: a deployment manifest that doesn't show what is live.
    """
    shown = read_shown(path.parent)
    with looking(path) as connection:
        outside = list(shown_problems(connection, path.parent, shown))
    return verify_history(path, checkpoints) + outside


def verify_history(path: Path, checkpoints: Checkpoints | None = None) -> list[str]:
    """Return every problem of a ledger's history, in words.

    Finds edited, removed, inserted and reordered entries; rows that differ from what their entry says; a live
    pointer that isn't the newest deployment; an end that was cut off or an older copy put in place. Somebody who
    rewrites the whole chain and its head is found by the checkpoints, if they are kept where that person can't write.
    """
    with looking(path) as connection:
        written: Written = defaultdict(dict)
        problems = list(_chain_problems(connection, written))
        for table in ACTIONS:
            problems += _row_problems(connection, table, written)
        problems += _live_problems(connection)
        if checkpoints is not None:
            problems += _unsigned(connection, checkpoints.signing)
        problems += _head_problems(connection, path)
        if checkpoints is not None:
            problems += checkpoint_problems(connection, checkpoints)
    return problems


def _chain_problems(connection: sqlite3.Connection, written: Written) -> Iterator[str]:
    last, expected, decode = GENESIS, 1, msgspec.json.Decoder().decode
    rows = connection.execute(f"SELECT {COLUMNS}, model FROM audit ORDER BY sequence")  # noqa: S608 (a constant)
    for row in rows:
        sequence, at, _, action, subject, payload, previous, its_hash, model = row
        if sequence != expected:
            yield f"audit entries {expected} to {sequence - 1} are missing"
        intact = row_hash(row[:8]) == its_hash and _model_of(subject) == model
        if not intact or action in _TABLES:
            try:
                dt.datetime.fromisoformat(at)
                said = decode(payload)
            except ValueError as error:  # msgspec's are such, too
                yield f"audit entry {sequence} can't be read ({error})"
                intact = True  # said already
            else:
                written[action][sequence] = said.get("row") if isinstance(said, dict) else None
        if previous != last:
            yield f"audit entry {sequence} doesn't follow the entry before it"
        if not intact:
            yield f"audit entry {sequence} ({action} {subject}) was edited"
        last, expected = its_hash, sequence + 1


def _row_problems(connection: sqlite3.Connection, table: str, written: Written) -> Iterator[str]:
    expected = written[ACTIONS[table]]
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    if not known:  # an older platform wrote the ledger, and nothing that belongs here, or somebody dropped it
        yield from (f"the row of {table} for audit entry {sequence} is missing" for sequence in sorted(expected))
        return
    cursor = connection.execute(f"SELECT * FROM {table} ORDER BY audit")  # noqa: S608 (names come from ACTIONS)
    names = [column[0] for column in cursor.description]
    seen: Counter[int] = Counter()
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        sequence = row.pop("audit")
        seen[sequence] += 1
        if expected.get(sequence) != digest_of(row):
            yield f"the row of {table} for audit entry {sequence} isn't the one that was recorded"
    for sequence in sorted(expected.keys() - set(seen)):
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


def _unsigned(connection: sqlite3.Connection, verifier: Verifier) -> Iterator[str]:
    places = connection.execute("SELECT DISTINCT model, environment FROM deployments ORDER BY 1, 2").fetchall()
    for model, environment in places:
        yield from deployment_problems(verifier, deploying.history(connection, model, environment))
        begun = [each.begun for each in rolling.rollouts(connection, model, environment)]
        yield from rollout_problems(verifier, begun)


def _head_problems(connection: sqlite3.Connection, path: Path) -> Iterator[str]:
    try:
        head = read_head(path)
    except DataInvalid as error:
        yield str(error)
        return
    if head is None:
        if connection.execute("SELECT 1 FROM audit LIMIT 1").fetchone():
            yield f"{NAME} is missing beside the ledger, so a cut-off end would not be noticed"
        return
    found = connection.execute("SELECT hash FROM audit WHERE sequence = ?", (head.sequence,)).fetchone()
    if found is None or found[0] != head.hash:
        yield f"{NAME} saw entry {head.sequence}, which isn't in the chain: its end was cut off or it is another copy"
