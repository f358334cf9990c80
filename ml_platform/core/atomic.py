"""Writing a small file so that it is there whole or not at all, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from ml_platform.core.errors import Unavailable


def write_atomically(
    path: Path, content: bytes, *, hint: str = "Free space or give write permission.", mode: int = 0o666
) -> None:
    """Replace a file by new content, durably; folders are made. `mode` says who may open it, less the umask.

    Raises Unavailable, with nothing half-written, when the disk refuses; `hint` says what to do then.
    """
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
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
