"""Vouching: when the head of the chain is signed, and whether what should have been signed was."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

from ml_platform.adapters.ledger.checkpoints import EVERY, Checkpoints, Kept
from ml_platform.adapters.ledger.head import Head
from ml_platform.adapters.ledger.rolling import KNOWN
from ml_platform.core.errors import PlatformError
from ml_platform.core.ports import Clock

PATIENCE_SECONDS = (0.05, 0.2, 0.8)
# What is signed at once: it changes what serves, and uses words up. And what each writes after itself, in its own
# transaction.
_WITH_IT = {
    "deployed": ("approval_used", "barred", "rollout_ended"),
    "rollout_begun": ("rollout_approved",),
    "rollout_ended": ("barred", "rollout_ended", "deployed", "approval_used"),
}


class State(NamedTuple):
    """Where a chain stands: its newest entry, its first deployment, and its newest or newer rollout (0 without one)."""

    sequence: int
    hash: str
    first: int
    newest: int


def state_of(connection: sqlite3.Connection) -> State | None:
    """Return where the chain stands; None while it is empty."""
    tables = ("deployments", "rollouts", "rollout_ends") if connection.execute(KNOWN).fetchone() else ("deployments",)
    newest = ", ".join(f"coalesce((SELECT max(audit) FROM {table}), 0)" for table in tables)  # noqa: S608 - named above
    row = connection.execute(
        "SELECT sequence, hash, coalesce((SELECT min(audit) FROM deployments), 0), "  # noqa: S608 - named above
        f"max(0, {newest}) FROM audit ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return State(*row) if row else None


class Voucher:
    """Signs the head after every change of what is live or tried, and after every `EVERY` entries.

    What can't be signed or kept doesn't undo what is durable already: `checkpoint_problems` tells it, so that the lock
    stays shut. A history of several deployments without any checkpoint isn't vouched for unasked: somebody may have
    removed them.
    """

    def __init__(self, checkpoints: Checkpoints, clock: Clock) -> None:
        self.checkpoints = checkpoints
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: int | None = None

    @property
    def is_new(self) -> bool:
        """Say whether this process hasn't looked yet at what was signed before."""
        return self._newest is None

    def see(self, state: State) -> None:
        """Sign where the chain stands, if that is due."""
        with self._lock, contextlib.suppress(PlatformError):
            if self._newest is None:
                self._newest = self.checkpoints.read().newest
            lost = not self._newest and (state.first < state.newest or state.sequence >= 2 * EVERY)
            due = state.newest > self._newest or state.sequence - self._newest >= EVERY
            if due and not lost:
                self._sign(state)

    def sign(self, state: State) -> None:
        """Sign where the chain stands; raises Unavailable when it can't be."""
        with self._lock:
            self._sign(state)

    def _sign(self, state: State) -> None:
        self.checkpoints.add(Head(state.sequence, state.hash), self._clock())
        self._newest = state.sequence


def checkpoint_problems(connection: sqlite3.Connection, checkpoints: Checkpoints) -> Iterator[str]:
    """Yield each checkpoint that isn't in the chain, and what should have one and has none."""
    kept = checkpoints.read()
    yield from kept.problems
    for each in kept.checkpoints:
        found = connection.execute("SELECT hash FROM audit WHERE sequence = ?", (each.sequence,)).fetchone()
        if found is None or found[0] != each.hash:
            yield (
                f"the checkpoint of {each.at:%Y-%m-%d %H:%M} UTC saw entry {each.sequence}, which isn't in the chain: "
                "it was rewritten or cut off, or it is another copy"
            )
    since = _uncovered(connection, kept)
    for seconds in PATIENCE_SECONDS:
        if not since:
            return
        time.sleep(seconds)  # another process may be about to sign what it wrote just now
        since = _uncovered(connection, checkpoints.read())
    if since:
        yield (
            f"{checkpoints.target} holds no checkpoint of the entries since {since}: it was removed, couldn't be "
            "written, or they are from before there were checkpoints; when you know why: `ml-platform audit checkpoint`"
        )


def _uncovered(connection: sqlite3.Connection, kept: Kept) -> int:
    """Return the first entry that should have been signed and wasn't; 0 when there is none.

    The newest change of what is live or tried may lack its checkpoint: whoever made it may have been killed before.
    """
    state = state_of(connection)
    if state is None:
        return 0
    if state.sequence - kept.newest >= 2 * EVERY:
        return kept.newest + 1
    later = connection.execute(
        "SELECT sequence, action FROM audit WHERE sequence > ? ORDER BY sequence", (kept.newest,)
    ).fetchall()
    for place, (sequence, action) in enumerate(later):
        if action in _WITH_IT:
            whole = all(after in _WITH_IT[action] for _, after in later[place + 1 :])
            return 0 if whole else int(sequence)
    return 0
