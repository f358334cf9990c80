"""The feedback log: every remark, sealed and on the disk before it is answered, read back without repeats."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ml_platform.adapters.sealed_segment import FEEDBACK, SealedLines, scan_sealed
from ml_platform.adapters.segments import SEGMENT_BYTES, Scan, SegmentWriter, read_as, segments_of
from ml_platform.core.keys import Keys
from ml_platform.core.remark import Remark

# A repeat among so many of a writer's last remarks isn't written again; any other is found when the log is read.
REMEMBERED = 20_000


def feedback_folder(home: Path, environment: str, model: str) -> Path:
    """Return where the remarks on a model's predictions in an environment are logged."""
    return home / FEEDBACK / environment / model


@dataclass(frozen=True, slots=True)
class Taken:
    """What an append did: how many remarks were new, how many were heard before."""

    new: int
    heard_before: int


class FeedbackLog:
    """Writes remarks; `folder` is one model's in one environment, several writers may share it. Safe for threads."""

    def __init__(self, folder: Path, *, keys: Keys, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._writer = SegmentWriter(folder, SealedLines(keys), segment_bytes=segment_bytes, sync_seconds=0)
        self._lock = threading.Lock()
        self._lately: OrderedDict[str, None] = OrderedDict()

    def append(self, remarks: Sequence[Remark]) -> Taken:
        """Write remarks, all or none, and return when they are on the disk; what was said before changes nothing.

        Raises Unavailable when they can't be written.
        """
        new = {one.identity: one for one in remarks}
        with self._lock:
            new = {identity: one for identity, one in new.items() if identity not in self._lately}
        if new:
            written = self._writer.append([self._encode(one) for one in new.values()])
            if written is not None:
                written.result()
            with self._lock:
                self._remember(new)
        return Taken(new=len(new), heard_before=len(remarks) - len(new))

    def close(self) -> None:
        """Bring everything to the disk and stop."""
        self._writer.close()

    def _remember(self, identities: dict[str, Remark]) -> None:
        self._lately.update(dict.fromkeys(identities))
        while len(self._lately) > REMEMBERED:
            self._lately.popitem(last=False)


@dataclass(slots=True)
class Heard:
    """The remarks in the order in which they were heard, each once; how often one was said again; lines torn."""

    remarks: list[Remark] = field(default_factory=list)
    repeated: int = 0
    torn: int = 0


def read_feedback(folder: Path, *, keys: Keys) -> Heard:
    """Return what was said; nothing when there is no folder.

    Raises DataInvalid when a segment isn't the sealed one of its name, Unavailable when its key is lost.
    """
    decoder, seen, first = msgspec.json.Decoder(Remark), Scan(), dict[str, Remark]()
    count = 0
    for segment in segments_of(folder):
        for payload in scan_sealed(segment, seen, keys):
            one = read_as(decoder, payload, segment)
            count += 1
            known = first.get(one.identity)
            if known is None or one.heard_at < known.heard_at:
                first[one.identity] = one
    remarks = sorted(first.values(), key=lambda one: (one.heard_at, one.identity))
    return Heard(remarks=remarks, repeated=count - len(remarks), torn=seen.torn)
