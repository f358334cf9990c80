"""The head of the audit chain, kept beside the ledger, so that a cut-off end or an older copy is noticed.

The head is written after each commit and may lag behind; it never runs ahead of what is durable.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ml_platform.core.errors import DataInvalid, Unavailable

NAME = "audit.head"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest audit entry that was seen to be durable."""

    sequence: int
    hash: str


def head_path(ledger: Path) -> Path:
    """Return where the head of a ledger lies."""
    return ledger.with_name(NAME)


def write_head(ledger: Path, seen: Head) -> None:
    """Write the head in one small write; a failure only lets it lag behind, for the entry itself is durable."""
    with contextlib.suppress(OSError):
        descriptor = os.open(head_path(ledger), os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(descriptor, _line(seen), 0)
        finally:
            os.close(descriptor)


def read_head(ledger: Path) -> Head | None:
    """Return the head, or None when there is none; raises DataInvalid when it isn't one."""
    path = head_path(ledger)
    try:
        line = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}; it has to be readable. Check its permissions.") from error
    sequence, _, rest = line.decode("ascii", "replace").partition(" ")
    seen = Head(int(sequence) if sequence.isdecimal() else 0, rest[:64])
    if _line(seen) != line:
        message = f"{path}: not the head of an audit chain. Verify the ledger against a backup, then remove this file."
        raise DataInvalid(message)
    return seen


def refuse_a_lost_ledger(ledger: Path) -> None:
    """Refuse to begin an empty ledger beside the head of an older one; raises Unavailable."""
    seen = read_head(ledger)
    if seen is not None:
        message = (
            f"{ledger}: the ledger is missing or empty, but {NAME} says that it held {seen.sequence:,} entries. "
            f"Restore the ledger from a backup; to begin anew, remove {head_path(ledger)}."
        )
        raise Unavailable(message)


def _line(seen: Head) -> bytes:
    body = f"{seen.sequence:012d} {seen.hash} "
    return f"{body}{hashlib.sha256(body.encode()).hexdigest()[:16]}\n".encode()
