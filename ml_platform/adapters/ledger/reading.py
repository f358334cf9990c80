"""Reading: what the ledger holds as records again; what this version can't read is said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from ml_platform.adapters.ledger import chain
from ml_platform.core.errors import Unavailable
from ml_platform.core.ports import AuditEntry
from ml_platform.core.records import SCHEMA_VERSION

RecordT = TypeVar("RecordT")


class Unreadable(ValueError):
    """A row isn't a record as this version of the platform knows it."""


def read(content: str, record_type: type[RecordT]) -> RecordT:
    """Read a record from a `content` column; raises Unreadable when it isn't one that this version knows."""
    try:
        record = msgspec.json.decode(content, type=record_type)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"a record is no {record_type.__name__} as this version knows it: {error}") from error
    seen = getattr(record, "schema_version", SCHEMA_VERSION)
    if seen != SCHEMA_VERSION:
        raise Unreadable(f"a {record_type.__name__} has schema version {seen}, known: {SCHEMA_VERSION}")
    return record


def read_entry(row: chain.Row) -> AuditEntry:
    """Read an audit entry from its row; raises Unreadable when it isn't one."""
    try:
        return chain.entry_of(row)
    except (ValueError, TypeError) as error:
        raise Unreadable(f"audit entry {row[0]} can't be read: {error}") from error


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in words that the ledger at `path` holds what can't be read; raises Unavailable."""
    try:
        yield
    except Unreadable as error:
        message = (
            f"{path}: {error}. Another version of the platform wrote it, or it was edited; records that this version "
            "wrote are needed. `ml-platform audit verify` says whether it was edited; otherwise use the version that "
            "wrote it, or begin a new home (ML_PLATFORM_HOME)."
        )
        raise Unavailable(message) from error
