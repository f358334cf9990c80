"""Read pieces: the rows of a table's files, one after the other, as one Arrow table and the digest of its bytes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of_bytes
from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Csv
from ml_platform.sources.content import parse_table
from ml_platform.sources.look import digest_of_pieces
from ml_platform.sources.unite import at_odds, require_same_columns, unite

if TYPE_CHECKING:
    import pyarrow as pa  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

    from ml_platform.sources.piece import Piece


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read: what is stated of CSV, which columns, and which of them stay text."""

    form: Csv
    columns: Collection[str] | None
    text: Collection[str]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table and the digest of exactly the bytes they were read from."""

    table: pa.Table
    digest: str


def read_pieces(pieces: Sequence[Piece], reading: Reading) -> Rows:
    """Return the rows of all pieces in order, with the columns that their folders name; raises DataInvalid.

    A column that is text in one CSV file is text in all: what another file's cells say is then read as it is written.
    """
    parts, digests = [], {}
    for piece in pieces:
        content = piece.read()
        digests[piece.name] = digest_of_bytes(content)
        parts.append((piece.where, _parsed(piece, content, reading)))
    require_same_columns(parts)
    mixed = set(at_odds(parts)) - set(reading.text)
    if mixed:
        return read_pieces(pieces, Reading(reading.form, reading.columns, {*reading.text, *mixed}))
    return Rows(unite(parts), digest_of_pieces(digests))


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

    return pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(count, np.int32), mask=np.full(count, value is None)), pa.array([value or ""], pa.string())
    )
