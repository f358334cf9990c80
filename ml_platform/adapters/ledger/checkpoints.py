"""Signed checkpoints of the audit chain, kept outside of the database: a chain that was rewritten doesn't hold them.

Each says in a signed envelope (`core.dsse`) which hash an entry has. By default they are lines of `audit.checkpoints`
in the home; under a URL, which fsspec opens, each is a file of its own, so that a store that never lets one be changed
can keep them.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ml_platform.adapters.ledger.head import Head
from ml_platform.core.digest import canonical_json
from ml_platform.core.dsse import read_envelope, seal, write_envelope
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.signing import Signing, why_not_signed

NAME = "audit.checkpoints"
PAYLOAD = "application/vnd.ml-platform.checkpoint+json"
EVERY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """That an entry of the chain had this hash at a time."""

    sequence: int
    hash: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """The checkpoints that are signed by the platform, and what is wrong with the others."""

    checkpoints: tuple[Checkpoint, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def newest(self) -> int:
        """Return the newest entry that a checkpoint vouches for; 0 when there is none."""
        return max((each.sequence for each in self.checkpoints), default=0)


class Target(Protocol):
    """Where checkpoints are kept; nothing there is ever changed."""

    def add(self, name: str, line: str) -> None:
        """Keep a line, durably; raises OSError."""

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield each line with where it is; raises OSError."""


class Checkpoints:
    """Signs the head of a chain, keeps what was signed, and reads it back."""

    def __init__(self, target: Target, signing: Signing) -> None:
        self.target = target
        self.signing = signing

    def add(self, head: Head, at: dt.datetime) -> None:
        """Sign and keep a head; raises Unavailable when it can't be."""
        said = canonical_json({"sequence": head.sequence, "hash": head.hash, "at": at.astimezone(dt.UTC)})
        line = write_envelope(seal(self.signing, PAYLOAD, said.encode()))
        try:
            self.target.add(f"{head.sequence:012d}-{head.hash[:12]}.json", line)
        except OSError as error:
            raise Unavailable(self._unusable(error)) from error

    def read(self) -> Kept:
        """Return what is kept; raises Unavailable when it can't be read."""
        good, problems = [], []
        try:
            lines = list(self.target.lines())
        except OSError as error:
            raise Unavailable(self._unusable(error)) from error
        for where, line in lines:
            try:
                good.append(self._parsed(line, where))
            except DataInvalid as error:
                problems.append(str(error))
        return Kept(tuple(good), tuple(problems))

    def _parsed(self, line: str, where: str) -> Checkpoint:
        envelope = read_envelope(line, where)
        try:
            said = msgspec.json.decode(envelope.payload, type=Checkpoint)
        except msgspec.MsgspecError as error:
            raise DataInvalid(f"{where}: it isn't a checkpoint ({error})") from error
        why = why_not_signed(self.signing, envelope.message, envelope.signature, at=said.at)
        if why or envelope.payload_type != PAYLOAD:
            raise DataInvalid(f"{where}: it isn't a checkpoint that the platform signed: {why or 'it is another text'}")
        return said

    def _unusable(self, error: OSError) -> str:
        return (
            f"{self.target}: checkpoints can't be kept or read ({error.strerror or error}); it has to be readable and "
            "writable; correct it, or point ML_PLATFORM_CHECKPOINTS somewhere else"
        )


@dataclass(frozen=True, slots=True)
class FileTarget:
    """Lines of a local file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def add(self, name: str, line: str) -> None:  # noqa: ARG002 (a file needs no names)
        """Append a line; one that a power cut tore off is overwritten."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            end = os.lseek(descriptor, 0, os.SEEK_END)
            tail = os.pread(descriptor, 4096, max(0, end - 4096))
            start = end - len(tail) + tail.rfind(b"\n") + 1
            os.ftruncate(descriptor, start)
            os.pwrite(descriptor, f"{line}\n".encode(), start)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the lines that were finished."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        for number, line in enumerate(text.split("\n")[:-1], 1):
            yield f"{self.path}:{number}", line


@dataclass(frozen=True, slots=True)
class UrlTarget:
    """A folder under a URL, with a file for each."""

    url: str

    def __str__(self) -> str:
        return self.url

    def add(self, name: str, line: str) -> None:
        """Write a file that isn't there yet."""
        system, folder = self._opened()
        system.makedirs(folder, exist_ok=True)
        system.pipe_file(f"{folder}/{name}", line.encode())

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the content of each file."""
        system, folder = self._opened()
        if not system.exists(folder):
            return
        for path in sorted(system.ls(folder, detail=False)):
            yield str(path), system.cat_file(path).decode("utf-8", "replace")

    def _opened(self) -> tuple[Any, str]:
        import fsspec

        try:
            system, folder = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise OSError(str(error)) from error
        return system, str(folder)


def target_of(home: Path, said: str) -> Target:
    """Return where checkpoints are kept: what `ML_PLATFORM_CHECKPOINTS` says, else a file of the home."""
    if "://" in said:
        return UrlTarget(said.rstrip("/"))
    return FileTarget(Path(said).absolute() if said else home / NAME)
