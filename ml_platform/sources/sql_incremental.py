"""SQL incremental: kept rows together with those above their watermark, or all anew when that wouldn't be the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.sources.kept import MOST_CHUNKS, Before
from ml_platform.sources.rows import Part, Rows
from ml_platform.sources.sql_rows import as_table, batches, together
from ml_platform.sources.sql_select import above, extent, without_mark
from ml_platform.sources.watermark import read_back, written

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

    from ml_platform.policy.spec import SqlTable
    from ml_platform.sources.chunk import Chunk


def read_new(where: str, table: SqlTable, connection: sa.Connection, kept: Before, *, digest: str) -> Rows:
    """Return a table's rows in the order of the watermark, of which only the new ones are read.

    When the database has more or fewer rows below the watermark than were kept, rows came late or went: they are
    counted, and everything is read anew. Rows without a watermark are read each time and stand at the end.
    """
    highest, _, _ = extent(where, table, connection)
    parts, late, gone = _below(where, table, connection, kept)
    lowest = parts[-1].highest if parts else None
    mark = None if highest is None else written(where, highest)
    if highest is not None and mark is not None and mark != lowest:
        low = None if lowest is None else read_back(where, lowest)
        new = _table(where, above(where, table, connection, low=low, high=highest))
        parts = [*parts, Part(name=mark.text, mark="", digest="", table=new, again=True, highest=mark)]
    rest = _table(where, without_mark(where, table, connection))
    tables = [part.table for part in parts] + [rest]
    some = [each for each in tables if each.num_rows > 0] or [rest]
    return Rows(table=together([(where, each) for each in some]), digest=digest, parts=parts, late=late, gone=gone)


def _table(where: str, result: sa.CursorResult[tuple[object, ...]]) -> pa.Table:
    return as_table(where, list(result.keys()), batches(result))


def _below(where: str, table: SqlTable, connection: sa.Connection, kept: Before) -> tuple[list[Part], int, int]:
    """Return what was kept, if it is whole and the database has as many rows there; how many came late or went."""
    chunks = kept.kept.chunks
    last = chunks[-1].highest if chunks else None
    if last is None:
        return [], 0, 0
    _, now, _ = extent(where, table, connection, up_to=read_back(where, last))
    before = sum(chunk.rows for chunk in chunks)
    parts = [part for chunk in chunks if (part := _part(chunk, kept)) is not None]
    if now != before or len(parts) != len(chunks) or len(chunks) >= MOST_CHUNKS:
        return [], max(0, now - before), max(0, before - now)
    return parts, 0, 0


def _part(chunk: Chunk, kept: Before) -> Part | None:
    table = kept.load(chunk)
    if table is None:
        return None
    return Part(name=chunk.name, mark="", digest="", table=table, again=True, chunk=chunk, highest=chunk.highest)
