"""Connections to the ledger file, one per thread, with every failure said in words a person can act on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakSet

from ml_platform.adapters.ledger import head, schema
from ml_platform.adapters.ledger.reading import readable
from ml_platform.core.errors import DataInvalid, Unavailable

OLDEST_SQLITE = (3, 37, 0)  # STRICT tables


class _Connection(sqlite3.Connection):
    """Closes itself when its thread has ended, whichever thread notices."""

    def __del__(self) -> None:
        with contextlib.suppress(sqlite3.ProgrammingError):  # it was never opened
            self.close()


_INHERITED: list[sqlite3.Connection] = []  # through a fork: they belong to the parent and stay untouched


class Connections:
    """Opens the file (creating it when there is none) and hands out reading and writing connections."""

    def __init__(self, path: Path, *, busy_seconds: float) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._local = threading.local()
        self._opened: WeakSet[_Connection] = WeakSet()
        self._inode: int | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection for reading."""
        with explained(self.path):
            yield self._connection()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection inside one transaction that is committed at the end or leaves no trace."""
        with explained(self.path):
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every connection; later use opens new ones."""
        for connection in list(self._opened):
            connection.close()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        # A connection must not cross a fork: SQLite's locks belong to the process that opened it.
        if getattr(self._local, "pid", None) != os.getpid():
            if hasattr(self._local, "connection"):
                _INHERITED.append(self._local.connection)
                self._opened.discard(self._local.connection)
            self._local.connection = self._open()
            self._local.pid = os.getpid()
        if _inode(self.path) != self._inode:
            message = (
                f"{self.path}: the ledger file was removed or replaced while it was in use; it has to stay where it "
                "is. Put it back (or restore a backup) and start the command again."
            )
            raise Unavailable(message)
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _open(self) -> sqlite3.Connection:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            message = f"SQLite {sqlite3.sqlite_version} is too old: the ledger needs 3.37. Use a newer Python build."
            raise Unavailable(message)
        _make_folder(self.path)
        connection = sqlite3.connect(
            self.path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False, factory=_Connection
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._opened.add(connection)
        self._inode = self._inode or _inode(self.path)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        found = schema.version_of(connection)
        if not found:
            self._use_wal(connection)
        if found < schema.VERSION:
            found = self._create(connection)
        schema.check_version(found, self.path)

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to write-ahead logging; SQLite's busy timeout doesn't cover this switch, so wait here."""
        deadline = time.monotonic() + self._busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def _create(self, connection: sqlite3.Connection) -> int:
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = schema.version_of(connection)  # another process may have been first
            if not found:
                head.refuse_a_lost_ledger(self.path)
                schema.create(connection)
            elif found < schema.VERSION:
                schema.upgrade(connection)
                found = schema.VERSION
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return found or schema.VERSION


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into the platform's: a refused change is DataInvalid, all else Unavailable."""
    try:
        with readable(path):
            yield
    except sqlite3.IntegrityError as error:
        message = f"{path}: the ledger refused the change ({error}). Nothing was written; look at the ledger's state."
        raise DataInvalid(message) from error
    except sqlite3.DatabaseError as error:
        raise Unavailable(f"{path}: {error}. {_advice(str(error))}") from error


def _advice(seen: str) -> str:
    if "locked" in seen or "busy" in seen:
        return "Another process holds the ledger; wait until it has finished, then run the command again."
    if "readonly" in seen or "read-only" in seen:
        return "The ledger has to be writable; give write permission on the file and its folder, then run again."
    if "full" in seen:
        return "The disk has to have room for the ledger; free space, then run the command again. Nothing was written."
    if "not a database" in seen or "malformed" in seen:
        return "The file has to be a ledger; restore it from a backup."
    return "The ledger has to be readable and writable; check the disk, the path and its permissions, then run again."


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = (
            f"{path.parent}: {error.strerror}; the ledger's folder has to exist or be creatable. "
            "Mount the disk, give write permission, or point ML_PLATFORM_HOME somewhere else."
        )
        raise Unavailable(message) from error


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
