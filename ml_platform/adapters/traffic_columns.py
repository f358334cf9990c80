"""Traffic in columns: what logged predictions say, as an Arrow table, so that a window is read without a row in Python.

The columns are those of `columns`, `score_0`, `score_1` … where predictions have a probability of each class, and
`input_<name>` of every input. A column has the type that all its values share; one with texts and others is text.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ml_platform.adapters.segments import read_as
from ml_platform.core.traffic import INPUT_COLUMN, SCORE_COLUMN, InputValue

if TYPE_CHECKING:
    import pyarrow as pa

SAYS_BYTES = 16

Window = tuple[dt.datetime | None, dt.datetime | None]


class _Logged(msgspec.Struct, frozen=True, gc=False):
    """What of a logged prediction stands in columns."""

    id: str
    at: dt.datetime
    event_time: dt.datetime
    version: int
    model_digest: str
    status: int
    score: float | None
    latency_seconds: float
    inputs: dict[str, InputValue] = {}
    unseen: list[str] = []
    beyond: list[str] = []
    scores: list[float] = []
    pair: str = ""


@cache
def columns() -> pa.Schema:
    """Return the columns that every prediction has; `says` is the digest of its line; of some names the number."""
    import pyarrow as pa

    time, text = pa.timestamp("us", "UTC"), pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            ("id", pa.string()), ("event_time", time), ("at", time), ("version", pa.int64()),
            ("model_digest", text), ("status", pa.int64()), ("score", pa.float64()),
            ("latency_seconds", pa.float64()), ("unseen", pa.int64()), ("beyond", pa.int64()),
            ("pair", text), ("says", pa.binary(SAYS_BYTES)),
        ]
    )  # fmt: skip


def in_columns(payloads: Sequence[bytes], source: Path) -> pa.Table:
    """Return logged predictions as a table, in their order; raises DataInvalid for a line that is none."""
    import pyarrow as pa

    decoder = msgspec.json.Decoder(_Logged)
    rows = [read_as(decoder, payload, source) for payload in payloads]
    told: dict[str, Sequence[object]] = {
        "unseen": [len(row.unseen) for row in rows],
        "beyond": [len(row.beyond) for row in rows],
        "says": [hashlib.blake2b(payload, digest_size=SAYS_BYTES).digest() for payload in payloads],
    }
    found = {
        field.name: pa.array(told.get(field.name) or [getattr(row, field.name) for row in rows], field.type)
        for field in columns()
    }
    classes = max((len(row.scores) for row in rows), default=0)
    for code in range(classes):
        scores = [row.scores[code] if code < len(row.scores) else None for row in rows]
        found[f"{SCORE_COLUMN}{code}"] = pa.array(scores, pa.float64())
    found |= {f"{INPUT_COLUMN}{name}": _column(values) for name, values in _by_name([row.inputs for row in rows])}
    return pa.table(found)


def within(rows: pa.Table, window: Window) -> pa.Table:
    """Return the rows whose event time lies in [start, end)."""
    import pyarrow.compute as pc

    for bound, compare in zip(window, (pc.greater_equal, pc.less), strict=True):
        if bound is not None:
            rows = rows.filter(compare(rows["event_time"], bound))
    return rows


def put_together(tables: Sequence[pa.Table]) -> pa.Table:
    """Put tables of traffic, one at least, under one another, with all columns of each; see `alike`."""
    import pyarrow as pa

    return pa.concat_tables(alike(tables)).unify_dictionaries()


def alike(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Iterate over tables of traffic, each with all columns of all, in types that hold their values.

    Each is let go once it was taken. No tables give an empty one.
    """
    left = deque(tables)
    kinds: dict[str, set[pa.DataType]] = {field.name: {field.type} for field in columns()}
    for table in left:
        for field in table.schema:
            kinds.setdefault(field.name, set()).add(field.type)
    wanted = {name: _shared(types) for name, types in kinds.items()}
    if not left:
        yield columns().empty_table()
    while left:
        yield _as(left.popleft(), wanted)


def _by_name(rows: Sequence[Mapping[str, InputValue]]) -> Iterable[tuple[str, Sequence[InputValue]]]:
    """Iterate over the names that rows have, each with the value of every row, None where it isn't named."""
    names = list(rows[0]) if rows else []
    if len(names) > 1 and all(len(row) == len(names) for row in rows):
        try:  # all have the same, as nearly always: many times as fast
            return zip(names, zip(*map(itemgetter(*names), rows), strict=True), strict=True)
        except KeyError:
            pass
    every = dict.fromkeys(name for row in rows for name in row)
    return ((name, [row.get(name) for row in rows]) for name in every)


def _column(values: Sequence[InputValue]) -> pa.Array:
    """Return an input's values as a column of the one type that holds them."""
    import pyarrow as pa

    match set(map(type, values)) - {type(None)}:
        case kinds if not kinds:
            return pa.nulls(len(values))
        case kinds if kinds == {str}:
            return pa.array(values, pa.string()).dictionary_encode()
        case kinds if kinds == {bool}:
            return pa.array(values, pa.bool_())
        case kinds:
            try:
                return pa.array(values, pa.int64() if kinds == {int} else pa.float64())
            except (pa.ArrowException, OverflowError):
                return _as_text(values)


def _as_text(values: Iterable[InputValue]) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if value is None else str(value) for value in values], pa.string()).dictionary_encode()


def _shared(types: Collection[pa.DataType]) -> pa.DataType:
    """Return the type that holds the values of all: of numbers and truth values doubles, otherwise text."""
    import pyarrow as pa

    told = [each for each in types if not pa.types.is_null(each)]
    if len(told) <= 1:
        return told[0] if told else pa.null()
    if any(pa.types.is_dictionary(each) for each in told):
        return pa.dictionary(pa.int32(), pa.string())
    return pa.float64()


def _as(table: pa.Table, wanted: Mapping[str, pa.DataType]) -> pa.Table:
    """Return a table with exactly these columns, of these types."""
    import pyarrow as pa

    found = {}
    for name, kind in wanted.items():
        column = table[name] if name in table.column_names else pa.nulls(len(table))
        if column.type != kind and pa.types.is_null(column.type):
            column = pa.nulls(len(table), kind)
        elif column.type != kind:
            column = _as_text(column.to_pylist()) if pa.types.is_dictionary(kind) else column.cast(kind, safe=False)
        found[name] = column
    return pa.table(found)
