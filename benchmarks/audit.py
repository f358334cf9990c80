"""The audit chain against SQLite itself: an entry against one durable commit, in turn; and verifying a long chain.

`python benchmarks/audit.py [--appends 300] [--entries 1000000]`. The baseline is a row as large as an entry in a table
of its own, in the same mode (WAL, synchronous FULL), committed alone. Each is measured in rounds, in turn, and the
medians of the rounds are compared. Verifying is CPU time: hashes, order, rows, head and checkpoints. Ends with 1 when
an entry costs more than twice a commit, or verifying more than ten seconds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ml_platform.adapters.ledger import SqliteLedger, chain, verify_audit
from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
from ml_platform.adapters.ledger.head import Head, write_head
from ml_platform.adapters.signing_keys import FileSigningKeys

ROUNDS = 10
RATIO_LIMIT, SECONDS_LIMIT = 2.0, 10.0
PAYLOAD = {"version": 7, "outcome": "refused", "reasons": ["drift is larger than allowed"], "reason": "a benchmark"}


def main() -> int:
    """Measure both and print them beside their limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--appends", type=int, default=300)
    parser.add_argument("--entries", type=int, default=1_000_000)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        ratio = appending(Path(folder), said.appends)
        seconds = verifying(Path(folder), said.entries)
    return int(ratio > RATIO_LIMIT or seconds > SECONDS_LIMIT)


def appending(folder: Path, count: int) -> float:
    """Return what an entry costs, as a multiple of one commit."""
    ledger, _ = opened(folder / "home")
    with closing(sqlite3.connect(folder / "plain.sqlite", isolation_level=None)) as plain, closing(ledger):
        plain.execute("PRAGMA journal_mode = WAL")
        plain.execute("PRAGMA synchronous = FULL")
        plain.execute("CREATE TABLE entry (sequence INTEGER PRIMARY KEY, content TEXT NOT NULL)")
        ledger.append("began", actor="bench", subject="flights", payload={}, at=now())
        rounds: dict[str, list[float]] = {"commit": [], "entry": []}
        for _ in range(ROUNDS):
            rounds["commit"].append(timed(lambda: commit(plain), count // ROUNDS))
            rounds["entry"].append(timed(lambda: append(ledger), count // ROUNDS))
    one, other = (statistics.median(rounds[name]) for name in ("entry", "commit"))
    print(
        f"an entry {one * 1e6:.0f} us, a commit {other * 1e6:.0f} us: ratio {one / other:.2f} (limit {RATIO_LIMIT:g})"
    )
    return one / other


def verifying(folder: Path, count: int) -> float:
    """Return the CPU seconds that it takes to verify so many entries."""
    ledger, checkpoints = opened(folder / "long")
    with closing(ledger):
        entry = ledger.append("began", actor="bench", subject="flights", payload={}, at=now())
        with ledger._connections.writing() as connection:  # noqa: SLF001 (a million commits would take an hour)
            for _ in range(count - 1):
                entry = chain.append(connection, "tried", actor="b", subject="flights v7", payload=PAYLOAD, at=now())
        write_head(ledger.path, Head(entry.sequence, entry.hash))
        ledger.checkpoint()
        started = time.process_time()
        assert verify_audit(ledger.path, checkpoints) == []
        seconds = time.process_time() - started
    print(f"{count:,} entries verified in {seconds:.2f} CPU s (limit {SECONDS_LIMIT:g})")
    return seconds


def opened(home: Path) -> tuple[SqliteLedger, Checkpoints]:
    """Return a ledger that signs its checkpoints, as the platform's does."""
    checkpoints = Checkpoints(target_of(home, ""), FileSigningKeys(home))
    return SqliteLedger(home / "ledger.sqlite", clock=now, checkpoints=checkpoints), checkpoints


def now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(tz=dt.UTC)


def commit(plain: sqlite3.Connection) -> None:
    """Write a row and make it durable."""
    plain.execute("BEGIN IMMEDIATE")
    plain.execute("INSERT INTO entry (content) VALUES (?)", ("x" * 400,))
    plain.execute("COMMIT")


def append(ledger: SqliteLedger) -> None:
    """Append an entry."""
    ledger.append("tried", actor="bench", subject="flights v7", payload=PAYLOAD, at=now())


def timed(work: Callable[[], None], count: int) -> float:
    """Return the seconds that one of so many takes."""
    started = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - started) / count


if __name__ == "__main__":
    raise SystemExit(main())
