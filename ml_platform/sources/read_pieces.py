"""Read pieces: the rows of a table's files, one after the other, as one Arrow table and the digest of its bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of_bytes
from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Csv
from ml_platform.sources.content import parse_table
from ml_platform.sources.kept import NOTHING, Before
from ml_platform.sources.look import digest_of_pieces, is_settled
from ml_platform.sources.rows import Part, Rows, late_and_gone
from ml_platform.sources.unite import at_odds, require_same_columns, unite

if TYPE_CHECKING:
    import pyarrow as pa

    from ml_platform.sources.chunk import Chunk
    from ml_platform.sources.piece import Piece


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read: what is stated of CSV, which columns, and which of them stay text."""

    form: Csv
    columns: Collection[str] | None
    text: Collection[str]


def read_pieces(pieces: Sequence[Piece], reading: Reading, kept: Before = NOTHING, *, now: dt.datetime) -> Rows:
    """Return the rows of all pieces in order, with the columns that their folders name; raises DataInvalid.

    A piece whose mark is that of a kept chunk isn't read. A column that is text in one CSV file is text in all: what
    another file's cells say is then read as it is written.
    """
    text = {*reading.text, *kept.kept.text}
    parts = _parts(pieces, Reading(reading.form, reading.columns, text), kept, now)
    mixed = set(_at_odds(pieces, parts)) - text
    if mixed:
        text |= mixed
        parts = _parts(pieces, Reading(reading.form, reading.columns, text), NOTHING, now)
    late, gone = late_and_gone(kept.kept, parts)
    return Rows(
        table=unite(_named(pieces, parts)),
        digest=digest_of_pieces({part.name: part.digest for part in parts}),
        parts=parts,
        text=tuple(sorted(text)),
        late=late,
        gone=gone,
    )


def _named(pieces: Sequence[Piece], parts: Sequence[Part]) -> list[tuple[str, pa.Table]]:
    return [(piece.where, part.table) for piece, part in zip(pieces, parts, strict=True)]


def _at_odds(pieces: Sequence[Piece], parts: Sequence[Part]) -> list[str]:
    named = _named(pieces, parts)
    require_same_columns(named)
    return at_odds(named)


def _parts(pieces: Sequence[Piece], reading: Reading, kept: Before, now: dt.datetime) -> list[Part]:
    known = {(chunk.name, chunk.mark): chunk for chunk in kept.kept.chunks}
    return [_part(piece, reading, known.get((piece.name, piece.mark)), kept, now) for piece in pieces]


def _part(piece: Piece, reading: Reading, chunk: Chunk | None, kept: Before, now: dt.datetime) -> Part:
    table = kept.load(chunk) if chunk is not None else None
    if chunk is not None and table is not None:
        digest = chunk.source_digest
    else:
        content, chunk = piece.read(), None
        digest, table = digest_of_bytes(content), _parsed(piece, content, reading)
    return Part(name=piece.name, mark=piece.mark, digest=digest, table=table, again=is_settled(piece, now), chunk=chunk)


def _parsed(piece: Piece, content: bytes, reading: Reading) -> pa.Table:
    columns = None if reading.columns is None else [name for name in reading.columns if name not in piece.partition]
    table = parse_table(piece.where, content, text_columns=reading.text, form=reading.form, columns=columns)
    for name, value in piece.partition.items():
        if name in table.column_names:
            message = (
                f"{piece.where}: column {name} is in the file and in its folder's name; one of them is needed; rename "
                "the folder, or leave the column out of the file"
            )
            raise DataInvalid(message)
        if reading.columns is None or name in reading.columns:
            table = table.append_column(name, _repeated(value, len(table)))
    return table


def _repeated(value: str | None, count: int) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    places = pa.array(np.zeros(count, np.int32), mask=np.full(count, value is None))
    return pa.DictionaryArray.from_arrays(places, pa.array([value or ""], pa.string()))
