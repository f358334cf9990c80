"""SQL rows: a database's rows, batch by batch, as an Arrow table; a column of mixed types becomes text, as in CSV."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

from ml_platform.core.errors import DataInvalid
from ml_platform.sources.unite import at_odds, unite

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

BATCH_ROWS = 20_000
Value: TypeAlias = Any  # whatever a driver returns
Batch: TypeAlias = Sequence[Sequence[Value]]
_DIGEST_BYTES = 32


class Tally:
    """The digest of rows that doesn't depend on their order, which a database may change, and their size as text."""

    def __init__(self) -> None:
        self.rows = 0
        self.size_bytes = 0
        self._sum = 0

    def add(self, rows: Sequence[Sequence[Value]]) -> None:
        """Count rows in."""
        for row in rows:
            text = repr(tuple(row)).encode("utf-8", "surrogateescape")
            self.size_bytes += len(text)
            self._sum += int.from_bytes(blake2b(text, digest_size=_DIGEST_BYTES).digest())
        self.rows += len(rows)

    @property
    def digest(self) -> str:
        """Return the digest, as 64 hex digits."""
        return blake2b(f"{self.rows} {self._sum}".encode(), digest_size=_DIGEST_BYTES).hexdigest()


def batches(result: sa.CursorResult[Any]) -> Iterator[Batch]:
    """Yield the rows of a result in batches."""
    yield from result.partitions(BATCH_ROWS)


def as_table(where: str, names: Sequence[str], found: Iterator[Batch]) -> pa.Table:
    """Return batches of rows as one table; raises DataInvalid for names that come twice, bytes and nested values."""
    import pyarrow as pa

    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataInvalid(f"{where}: columns {twice} come more than once; names must differ; name them with AS")
    parts = [(where, _table(where, names, rows)) for rows in found]
    if not parts:
        return pa.table({name: pa.nulls(0) for name in names})
    return together(parts)


def together(parts: Sequence[tuple[str, pa.Table]]) -> pa.Table:
    """Return parts of one table as one; a column of several types becomes text."""
    mixed = at_odds(parts)
    return unite([(where, _texts(table, mixed)) for where, table in parts])


def _table(where: str, names: Sequence[str], rows: Batch) -> pa.Table:
    import pyarrow as pa

    columns = zip(*rows, strict=True)
    return pa.table({name: _array(where, name, values) for name, values in zip(names, columns, strict=True)})


def _array(where: str, name: str, values: Sequence[Value]) -> pa.Array:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if kinds & {bytes, bytearray, memoryview, list, dict, tuple, set}:
        message = f"{where}: column {name} holds bytes or nested values; plain ones are needed; convert it in the query"
        raise DataInvalid(message)
    if Decimal in kinds and kinds <= {Decimal, int, float}:
        values, kinds = _numbers(values)
    times = bool(kinds) and kinds <= {dt.datetime, dt.date}
    if times and len({_zone(value) for value in values if value is not None}) == 1:
        return _times(values)
    try:
        if not times and (len(kinds) <= 1 or kinds <= {int, float}):
            plain = pa.array(values, from_pandas=True)
            return plain.dictionary_encode() if pa.types.is_string(plain.type) else plain
    except (pa.ArrowException, OverflowError):
        pass
    return pa.array([None if value is None else _text(value) for value in values], pa.string()).dictionary_encode()


def _numbers(values: Sequence[Value]) -> tuple[list[Value], set[type]]:
    """Return decimals as whole numbers where all are, else as fractions."""
    decimals = [value for value in values if isinstance(value, Decimal)]
    whole = all(value.is_finite() and value == value.to_integral_value() for value in decimals)
    whole = whole and not any(isinstance(value, float) for value in values)
    kind = int if whole else float
    return [None if value is None else kind(value) for value in values], {kind}


def _zone(value: dt.date) -> str:
    return "aware" if isinstance(value, dt.datetime) and value.tzinfo is not None else "naive"


def _times(values: Sequence[Value]) -> pa.Array:
    import pyarrow as pa

    zone = next(_zone(value) for value in values if value is not None)
    naive = pa.array([_moment(value) for value in values], pa.timestamp("us"))
    return naive.cast(pa.timestamp("us", "UTC")) if zone == "aware" else naive


def _moment(value: dt.date | None) -> dt.datetime | None:
    """Return a time without its zone, in UTC if it had one: once pandera is imported, pyarrow ignores zones."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo is None else value.astimezone(dt.UTC).replace(tzinfo=None)
    if value is None:
        return None
    return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001  (a day has no zone)


def _text(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case _:
            return str(value)


def _texts(table: pa.Table, names: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    for name in names:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table[name].cast(pa.string()))
    return table
