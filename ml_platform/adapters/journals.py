"""Journals: the finished trials of studies, one line of JSON each, so that a killed study goes on where it was.

A line holds a trial and the SHA-256 of its canonical JSON. A last line without its end is a trial that was being
written when the process died: it counts as never tried.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ml_platform.core.digest import canonical_json, digest_of
from ml_platform.core.errors import DataInvalid, Unavailable

if TYPE_CHECKING:
    from ml_platform.core.trial import Trial

SCHEMA_VERSION = 1
_STUDY = re.compile(r"[0-9a-f]{64}")


class FileJournal:
    """One study's journal; see `Journal`."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file

    def trials(self) -> Sequence[Trial]:
        """Return the trials in their order; raises DataInvalid when a line isn't what was written."""
        self._file.seek(0)
        whole, _, _ = self._file.read().rpartition(b"\n")
        return tuple(self._trial(place, line) for place, line in enumerate(whole.splitlines(), start=1))

    def append(self, trial: Trial) -> None:
        """Append a trial, durably; whatever an earlier process left of a line is overwritten."""
        line = canonical_json({"schema_version": SCHEMA_VERSION, "trial": trial, "sha256": digest_of(trial)})
        try:
            self._file.seek(0)
            self._file.truncate(self._file.read().rfind(b"\n") + 1)
            self._file.seek(0, os.SEEK_END)
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise Unavailable(_cannot(self.path, error)) from error

    def _trial(self, place: int, line: bytes) -> Trial:
        import msgspec

        from ml_platform.core.trial import Trial

        trial, said = None, {}
        try:
            said = json.loads(line)
            trial = msgspec.convert(said["trial"], Trial)
        except (ValueError, KeyError, TypeError, msgspec.MsgspecError):
            pass
        if trial is None or (said.get("schema_version"), said.get("sha256")) != (SCHEMA_VERSION, digest_of(trial)):
            message = (
                f"{self.path}:{place}: it isn't the trial that was written; a study goes on only from what it "
                "measured itself; remove the file, and the study begins anew"
            )
            raise DataInvalid(message)
        return trial


class FileJournals:
    """The journals on a local disk; see `Journals`."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "journals"

    @contextlib.contextmanager
    def open(self, study: str) -> Iterator[FileJournal]:
        """Open a study's journal for this process alone; the lock ends with the process."""
        if not _STUDY.fullmatch(study):
            raise DataInvalid(f"journals: study is {study[:80]!r}; its digest is needed; pass it as it was returned")
        path = self.folder / f"{study}.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b")
        except OSError as error:
            raise Unavailable(_cannot(path, error)) from error
        with file:
            _hold(path, file)
            yield FileJournal(path, file)


def _hold(path: Path, file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        message = (
            f"{path}: another process runs this study; one at a time is needed; wait until it has ended, or end it, "
            "then run again"
        )
        raise Unavailable(message) from error


def _cannot(path: Path, error: OSError) -> str:
    return (
        f"{path}: can't be written ({error.strerror}); the trials so far are kept; free space or correct the "
        "permissions, then run again"
    )
