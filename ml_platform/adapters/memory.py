"""Memory: what a stage produced for the same inputs, as one JSON file per key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ml_platform.core.atomic import write_atomically
from ml_platform.core.errors import DataInvalid, Unavailable

if TYPE_CHECKING:
    from ml_platform.core.measured import Measured

RecordT = TypeVar("RecordT")
_STAGE = re.compile(r"[a-z][a-z0-9_.-]*")
_KEY = re.compile(r"[0-9a-zA-Z_-]{1,128}")


class FileMemory:
    """The memory on a local disk; see `Memory`. A file that can't be read any more counts as forgotten."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "memory"

    def recall(self, stage: str, key: str, record_type: type[RecordT]) -> Measured[RecordT] | None:
        """Return what was remembered for this key, or None when nothing was or another version wrote it."""
        import msgspec

        from ml_platform.core.measured import Measured

        path = self._path(stage, key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"{path}: can't be read ({error.strerror}); check its permissions") from error
        try:
            found: Measured[RecordT] = msgspec.json.decode(content, type=Measured[record_type])  # type: ignore[valid-type]
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return found

    def remember(self, stage: str, key: str, measured: Measured[RecordT]) -> None:
        """Remember it, atomically; the last word on a key counts."""
        import msgspec

        write_atomically(self._path(stage, key), msgspec.json.encode(measured))

    def _path(self, stage: str, key: str) -> Path:
        if not _STAGE.fullmatch(stage) or not _KEY.fullmatch(key):
            message = f"memory: stage {stage[:80]!r} with key {key[:80]!r}; plain names are needed, such as a digest"
            raise DataInvalid(message)
        return self.folder / stage / f"{key}.json"
