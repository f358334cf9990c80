"""The log of what stages took: a line of JSON per stage and run, one file per model, appended only."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid, Unavailable

if TYPE_CHECKING:
    from ml_platform.core.spent import Spent

FOLDER = "costs"
READ_BYTES = 512 * 1024  # about a hundred runs; older ones aren't compared with
_MODEL = re.compile(r"[A-Za-z0-9_]{1,64}")


class SpentLog:
    """The log under a home. A line that a crash cut short, or that another version wrote, is passed over."""

    def __init__(self, home: Path) -> None:
        self.folder = home / FOLDER

    def append(self, spent: Spent) -> None:
        """Add a line; raises Unavailable when the disk refuses."""
        import msgspec

        path = self._path(spent.model)
        # In front, so that the rest of a line that was cut short ends before this one begins.
        line = b"\n" + msgspec.json.encode(spent) + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            message = f"{path}: can't be written ({error.strerror}); free space or give write permission"
            raise Unavailable(message) from error

    def read(self, model: str) -> list[Spent]:
        """Return what is known of a model's newest runs, oldest first."""
        path = self._path(model)
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - READ_BYTES))
                lines = file.read().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"{path}: can't be read ({error.strerror}); check its permissions") from error
        return [spent for line in lines if line and (spent := _spent(line, model)) is not None]

    def _path(self, model: str) -> Path:
        if not _MODEL.fullmatch(model):
            raise DataInvalid(f"costs: {model[:80]!r} is no model's name; a plain name is needed")
        return self.folder / f"{model}.jsonl"


def _spent(line: bytes, model: str) -> Spent | None:
    import msgspec

    from ml_platform.core.spent import SCHEMA_VERSION, Spent

    try:
        spent = msgspec.json.decode(line, type=Spent)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return spent if spent.schema_version == SCHEMA_VERSION and spent.model == model else None
