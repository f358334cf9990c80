"""The log of looks: a line of JSON per look at the platform's health; its newest line is the heartbeat."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.errors import Unavailable

if TYPE_CHECKING:
    from ml_platform.core.health import Look

FOLDER = "health"
FILE = "looks.jsonl"
READ_BYTES = 2 * 1024 * 1024  # more than a week of looks every minute
LARGEST_BYTES = 4 * READ_BYTES


class LookLog:
    """The log under a home. A line that a crash cut short, or that another version wrote, is passed over."""

    def __init__(self, home: Path) -> None:
        self.path = home / FOLDER / FILE

    def append(self, look: Look) -> None:
        """Add a line; raises Unavailable when the disk refuses. A long log loses its oldest part."""
        import msgspec

        from ml_platform.core.atomic import write_atomically

        line = b"\n" + msgspec.json.encode(look) + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.is_file() and self.path.stat().st_size > LARGEST_BYTES:
                write_atomically(self.path, self._tail(), mode=0o600)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            message = f"{self.path}: can't be written ({error.strerror}); free space or give write permission"
            raise Unavailable(message) from error

    def read(self) -> list[Look]:
        """Return the newest looks, oldest first."""
        try:
            lines = self._tail().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"{self.path}: can't be read ({error.strerror}); check its permissions") from error
        return [look for line in lines if line and (look := _look(line)) is not None]

    def _tail(self) -> bytes:
        with self.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - READ_BYTES))
            return file.read()


def _look(line: bytes) -> Look | None:
    import msgspec

    from ml_platform.core.health import SCHEMA_VERSION, Look

    try:
        look = msgspec.json.decode(line, type=Look)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return look if look.schema_version == SCHEMA_VERSION else None
