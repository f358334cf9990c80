"""Plain files: reading what somebody else may have put in place of a file, without waiting or filling the memory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ml_platform.core.errors import DataInvalid, Unavailable


def read_plain(path: Path, *, most_bytes: int, hint: str) -> bytes:
    """Return a file's content; DataInvalid when it is a link, no file or too large, Unavailable when unreadable.

    It is opened without following a link and without waiting for a pipe's other end. `hint` says what to do.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            require_plain(path, os.fstat(descriptor), most_bytes=most_bytes, hint=hint)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(most_bytes + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise Unavailable(f"{path}: isn't there; it is needed; {hint}") from error
    except OSError as error:
        if path.is_symlink():
            raise DataInvalid(_other(path, "a link", hint)) from error
        raise Unavailable(f"{path}: can't be read ({error.strerror}); {hint}") from error
    if len(content) > most_bytes:
        raise DataInvalid(_too_large(path, len(content), most_bytes, hint))
    return content


def require_plain(path: Path, state: os.stat_result, *, most_bytes: int, hint: str) -> None:
    """Raise DataInvalid unless this is a file of at most so many bytes; `state` is what `lstat` or `fstat` said."""
    if not stat.S_ISREG(state.st_mode):
        kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe"}
        raise DataInvalid(_other(path, kinds.get(stat.S_IFMT(state.st_mode), "no plain file"), hint))
    if state.st_size > most_bytes:
        raise DataInvalid(_too_large(path, state.st_size, most_bytes, hint))


def _other(path: Path, seen: str, hint: str) -> str:
    return f"{path}: is {seen}; a plain file is needed; {hint}"


def _too_large(path: Path, seen: int, most: int, hint: str) -> str:
    return f"{path}: has {seen:,} bytes or more; at most {most:,} are read; {hint}"
