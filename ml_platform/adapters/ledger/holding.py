"""Holding: one deployment at a time per model and environment, told apart by a token that grows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from sqlite3 import Connection

from ml_platform.adapters.ledger import chain
from ml_platform.adapters.ledger.reading import read
from ml_platform.adapters.ledger.rows import written
from ml_platform.core.errors import DataInvalid
from ml_platform.core.hold import Hold

Place = tuple[str, str]


def held(connection: Connection, place: Place) -> Hold | None:
    """Return the hold on a place, run out or not; None when it was given back."""
    row = connection.execute("SELECT content FROM holds WHERE model = ? AND environment = ?", place).fetchone()
    return read(row[0], Hold) if row and row[0] else None


def take(connection: Connection, wanted: Hold, *, now: dt.datetime, void: int | None) -> tuple[Hold, bool]:
    """Return the hold that is in force and whether it is the one wanted; a former owner is told to the audit."""
    place = (wanted.model, wanted.environment)
    current = held(connection, place)
    if current is not None and current.token != void and not current.yields_to(wanted, now):
        return current, False
    row = connection.execute("SELECT token FROM holds WHERE model = ? AND environment = ?", place).fetchone()
    taken = replace(wanted, token=(row[0] if row else 0) + 1)
    connection.execute(
        "INSERT INTO holds VALUES (?, ?, ?, ?) "
        "ON CONFLICT (model, environment) DO UPDATE SET token = excluded.token, content = excluded.content",
        (*place, taken.token, written(taken)),
    )
    if current is not None:
        chain.append(
            connection,
            "deployment_taken_over",
            actor=taken.owner.actor,
            subject=f"{taken.model}@{taken.environment}",
            payload={
                "by": f"{taken.kind} of {taken.owner}",
                "from": f"{current.kind} of {current.owner}",
                "since": current.since,
                "until": current.expires_at,
            },
            at=now,
        )
    return taken, True


def give_back(connection: Connection, hold: Hold) -> None:
    """Give a hold back, unless another has taken over."""
    connection.execute(
        "UPDATE holds SET content = '' WHERE model = ? AND environment = ? AND token = ?",
        (hold.model, hold.environment, hold.token),
    )


def check_held(connection: Connection, place: Place, token: int | None, *, now: dt.datetime) -> None:
    """Refuse a move by whoever doesn't hold the place, when somebody does, or has lost it; raises DataInvalid."""
    current = held(connection, place)
    if token is not None and (current is None or current.token != token):
        who = f"{current.kind} of {current.owner}" if current else "another, which has ended"
        message = f"{place[0]}@{place[1]}: this deployment was taken over by the {who}. Look what is live, then decide."
        raise DataInvalid(message)
    if token is None and current is not None and current.holds(now):
        message = f"{place[0]}@{place[1]}: held until {current.expires_at:%H:%M} UTC by the {current.kind} of"
        raise DataInvalid(f"{message} {current.owner}. Wait for it, then look again.")
