"""Outcomes that come later: one label per prediction, the first word stands, a contrary one is counted."""

from __future__ import annotations

import datetime as dt
import fcntl
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ml_platform.adapters.label_words import compact_words, count_words, in_rows, read_words, segment_names
from ml_platform.adapters.segments import (
    SEGMENT_BYTES,
    SUFFIX,
    Scan,
    line_of,
    read_as,
    scan,
    segments_of,
    sync_data,
)
from ml_platform.core.atomic import sync
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.traffic import Label, Outcome

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What an append did: labels that were new, known already, or contrary to the first word on their prediction."""

    new: int
    known: int
    conflicts: int


@dataclass(slots=True)
class Labels:
    """The labels of a model: the first per prediction, the predictions somebody contradicted, torn lines."""

    by_prediction: dict[str, Label] = field(default_factory=dict)
    conflicting: set[str] = field(default_factory=set)
    torn: int = 0

    @property
    def conflict_share(self) -> float | None:
        """Return the share of labelled predictions with contrary labels; None without labels."""
        return len(self.conflicting) / len(self.by_prediction) if self.by_prediction else None


@dataclass(slots=True)
class _Folded:
    """The labels read so far: up to where in each segment, which were whole, how many lines of each were altered."""

    labels: Labels = field(default_factory=Labels)
    heard: set[tuple[str, Outcome]] = field(default_factory=set)
    ends: dict[str, int] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    altered: dict[str, int] = field(default_factory=dict)

    def hear(self, label: Label) -> bool:
        """Take a label in; False when exactly this was said before."""
        said = (label.prediction_id, label.label)
        if said in self.heard:
            return False
        self.heard.add(said)
        if not self.agrees(label):
            self.labels.conflicting.add(label.prediction_id)
        self.labels.by_prediction.setdefault(label.prediction_id, label)
        return True

    def agrees(self, label: Label) -> bool:
        """Say whether a label doesn't contradict the first word on its prediction."""
        first = self.labels.by_prediction.get(label.prediction_id)
        return first is None or first.label == label.label

    def catch_up(self, folder: Path) -> None:
        """Read what was appended since the last time; a line without its end is left for the next time."""
        unfinished = 0
        for name in segment_names(folder):
            if name in self.whole:
                continue
            try:
                unfinished += self._scan(folder / f"{name}{SUFFIX}")
            except FileNotFoundError:  # it was compacted: what of it was heard before changes nothing
                self._hear_all(folder, name)
        self.labels.torn = sum(self.altered.values()) + unfinished

    def _scan(self, segment: Path) -> int:
        """Hear what is new in a segment, and return how many lines have no end yet."""
        start = self.ends.get(segment.stem, 0)
        if segment.stat().st_size == start:
            return 0
        decoder, seen = msgspec.json.Decoder(Label), Scan()
        for payload in scan(segment, seen, start=start):
            self.hear(read_as(decoder, payload, segment))
        self.ends[segment.stem] = seen.end
        self.altered[segment.stem] = self.altered.get(segment.stem, 0) + seen.altered
        return seen.unfinished

    def _hear_all(self, folder: Path, name: str) -> None:
        words = read_words(folder, name)
        for one in in_rows(words.rows):
            self.hear(one)
        self.altered[name] = words.torn
        self.whole.add(name)


class LabelStore:
    """Append-only labels by model under `<home>/labels/`; appending the same labels again changes nothing.

    Processes may append at the same time; an object is used by one thread.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._known: dict[str, _Folded] = {}

    def append(self, model: str, labels: Iterable[tuple[str, Outcome, dt.datetime]]) -> Appended:
        """Write labels `(prediction id, label, when it was known)` to the disk, all or none; a class is its name.

        Raises DataInvalid for a label that isn't one and Unavailable when the disk refuses.
        """
        wanted = [_checked(index, label) for index, label in enumerate(labels)]
        folder = self._folder(model)
        try:
            with _locked(folder):
                return self._append(model, folder, wanted)
        except OSError as error:
            self._known.pop(model, None)
            message = f"{folder}: labels can't be written ({error.strerror}): make the folder writable, then try again"
            raise Unavailable(message) from error

    def read(self, model: str) -> Labels:
        """Return the labels of a model; none when there is no folder."""
        return self._folded(model).labels

    def words(self, model: str) -> Iterator[pa.Table]:
        """Iterate over all that was ever said, in order and in columns; see `label_words`."""
        folder = self._folder(model)
        for name in segment_names(folder):
            yield read_words(folder, name).rows

    def count(self, model: str) -> int:
        """Return how many words were ever said; it grows with each."""
        return count_words(self._folder(model))

    def compact(self, model: str) -> int:
        """Put what won't change any more into columns; Unavailable when the disk refuses, and nothing is lost."""
        folder = self._folder(model)
        try:
            with _locked(folder):
                return compact_words(folder)
        except OSError as error:
            message = (
                f"{folder}: labels can't be compacted ({error.strerror}); it has to be writable, with free space; "
                "every label is still there: correct that and run again"
            )
            raise Unavailable(message) from error

    def _append(self, model: str, folder: Path, wanted: Sequence[Label]) -> Appended:
        folded = self._folded(model)
        known = conflicts = 0
        lines = bytearray()
        for label in wanted:
            agrees, new = folded.agrees(label), folded.hear(label)
            conflicts += not agrees
            known += agrees and not new
            if new:
                lines += line_of(msgspec.json.encode(label))
        if lines:
            _write(folder, bytes(lines))
        return Appended(new=len(wanted) - known - conflicts, known=known, conflicts=conflicts)

    def _folded(self, model: str) -> _Folded:
        folded = self._known.setdefault(model, _Folded())
        folded.catch_up(self._folder(model))
        return folded

    def _folder(self, model: str) -> Path:
        return self._home / "labels" / model


def _checked(index: int, label: tuple[str, Outcome, dt.datetime]) -> Label:
    prediction_id, value, at = label
    problem = ""
    if not prediction_id:
        problem = "the prediction id is empty"
    elif isinstance(value, str) and not value:
        problem = "the label is an empty text, it has to be the name of a class"
    elif not isinstance(value, str) and not math.isfinite(value):
        problem = f"the label is {value}, it has to be a finite number"
    elif at.tzinfo is None:
        problem = "the time has no time zone"
    if problem:
        message = f"label {index}: {problem}. Nothing was written: correct it, then send all of them again"
        raise DataInvalid(message)
    return Label(prediction_id=prediction_id, label=value if isinstance(value, str) else float(value), at=at)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(folder: Path, lines: bytes) -> None:
    """Append to the newest segment, or to a new one when that is full or ends in a torn line."""
    segment = _continued(folder)
    handle = os.open(segment, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    size = os.fstat(handle).st_size
    try:
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(handle, rest) :]
        sync_data(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise
    finally:
        os.close(handle)
    if not size:
        sync(folder)


def _continued(folder: Path) -> Path:
    segments = segments_of(folder)
    if segments:
        newest = segments[-1]
        with newest.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 1, 0))
            if size < SEGMENT_BYTES and file.read(1) in {b"\n", b""}:
                return newest
    names = segment_names(folder)
    return folder / f"{int(names[-1]) + 1 if names else 0:08d}{SUFFIX}"
