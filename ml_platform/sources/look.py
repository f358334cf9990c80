"""Look: what a table of files looks like without its rows being read: digest, size, age, and how it will be read.

A file whose mark (size, times of change, ETag) is as it was keeps the digest and the words that it had; that is quick,
and only for watching: what becomes a snapshot is always digested anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.measurement import Fact
from ml_platform.sources.content import describe

if TYPE_CHECKING:
    from ml_platform.policy.spec import Csv
    from ml_platform.sources.piece import Piece

SETTLED_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a file since it was read: its mark, the digest of its bytes, and how it is read."""

    mark: str
    digest: str
    facts: Mapping[str, Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A table as it looks now; `known` says per file what need not be read again as long as its mark stays."""

    digest: str
    size_bytes: int
    modified_at: dt.datetime | None
    facts: Mapping[str, Fact]
    known: Mapping[str, Known] = field(default_factory=dict)


def look_at(pieces: Sequence[Piece], form: Csv, known: Mapping[str, Known], *, now: dt.datetime) -> Looked:
    """Return how a table's files look; those with a known mark aren't read. Raises Unavailable or DataInvalid."""
    found = {piece.name: _known(piece, form, known) for piece in pieces}
    changed = [piece.modified_at for piece in pieces if piece.modified_at is not None]
    return Looked(
        digest=digest_of_pieces({name: each.digest for name, each in found.items()}),
        size_bytes=sum(piece.size_bytes for piece in pieces),
        modified_at=max(changed, default=None),
        facts=_together(pieces, [each.facts for each in found.values()]),
        known={piece.name: found[piece.name] for piece in pieces if is_settled(piece, now)},
    )


def digest_of_pieces(digests: Mapping[str, str]) -> str:
    """Return a table's digest: that of its one file's bytes, or of all names with the digest of each."""
    return next(iter(digests.values())) if len(digests) == 1 else digest_of(dict(digests))


def _known(piece: Piece, form: Csv, known: Mapping[str, Known]) -> Known:
    before = known.get(piece.name)
    if before is not None and before.mark == piece.mark != "":
        return before
    content = piece.read()
    facts = describe(piece.where, content, form) if content else {}  # that nothing came is for a gate to judge
    return Known(mark=piece.mark, digest=digest_of_bytes(content), facts=facts)


def is_settled(piece: Piece, now: dt.datetime) -> bool:
    """Say whether a file's mark can be trusted: one changed just now may change again within the clock's tick."""
    settled = piece.modified_at is None or (now - piece.modified_at).total_seconds() >= SETTLED_SECONDS
    return piece.mark != "" and settled


def _together(pieces: Sequence[Piece], facts: Sequence[Mapping[str, Fact]]) -> dict[str, Fact]:
    """Return the facts of all files as one; where they differ, all that were seen."""
    keys = dict.fromkeys(key for each in facts for key in each)
    said: dict[str, Fact] = {}
    for key in keys:
        seen = list(dict.fromkeys(each[key] for each in facts if key in each))
        said[key] = seen[0] if len(seen) == 1 else " / ".join(map(str, seen))
    if len(pieces) > 1 or pieces[0].partition:
        said["files"] = len(pieces)
    if pieces[0].partition:
        said["partitions"] = ", ".join(pieces[0].partition)
    return said
