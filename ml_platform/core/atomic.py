"""Writing a small file so that it is there whole or not at all, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from ml_platform.core.errors import Unavailable


def write_atomically(path: Path, content: bytes, *, hint: str = "Free space or give write permission.") -> None:
    """Replace a file by new content, durably; folders are made.

    Raises Unavailable, with nothing half-written, when the disk refuses; `hint` says what to do then.
    """
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise Unavailable(
            f"{path}: can't be written ({error.strerror}); nothing was left half-written. {hint}"
        ) from error


def sync(path: Path) -> None:
    """Bring a file's content, or a folder's names, to the disk: without it a power cut may forget what is new."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
