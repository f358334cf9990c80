"""The labels of a window: each scored prediction with the outcome that came for it, what can't be true left out.

Labels come as words, tables of `prediction_id`, `number` or `name` (the outcome, the other is missing) and `at`, in the
order in which they were said. The first word on a prediction stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.traffic import SUCCESS

if TYPE_CHECKING:
    import pyarrow as pa  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

    Flags = NDArray[np.bool_]
    Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The outcomes of predictions, row by row: `number` or `name`, both missing where none was joined, and when known.

    `left_out` counts the labels that weren't joined, by reason; `contradicted` the joined ones that a later word
    contradicted.
    """

    number: pa.Array
    name: pa.Array
    at: pa.Array
    known: Flags
    left_out: Mapping[str, int]
    contradicted: int


def join_labels(served: pa.Table, words: Iterable[pa.Table], now: dt.datetime) -> Joined:
    """Join each scored prediction with its label; a label that can't be true yet, or never could be, is left out.

    `served` holds each prediction once. A word on a prediction that isn't among them is left alone: it belongs to
    another window, or to none.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    said, rows = _about(served, words)
    first = _first(rows, len(served))
    heard = said.take(pa.array(first, mask=first < 0))
    told = (first >= 0) & ~_abstained(served)  # a row without a prediction says nothing against its label
    reasons = _why_not(served, heard, told, now)
    known = told & ~np.logical_or.reduce(list(reasons.values()))
    refused = pa.array(~known)
    number, name, at = (
        pc.if_else(refused, pa.scalar(None, column.type), column.combine_chunks())
        for column in (heard["number"], heard["name"], heard["at"])
    )
    return Joined(
        number=number, name=name, at=at, known=known,
        left_out={reason: int(those.sum()) for reason, those in sorted(reasons.items()) if those.any()},
        contradicted=int((_contradicted(said, rows, first) & known).sum()),
    )  # fmt: skip


def _about(served: pa.Table, words: Iterable[pa.Table]) -> tuple[pa.Table, Places]:
    """Return the words on predictions that were served, in their order, and the row that each is about."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = served["id"].combine_chunks()
    tables, rows = [], []
    for table in words:
        found = pc.index_in(table["prediction_id"].combine_chunks(), value_set=ids)
        ours = found.is_valid()
        tables.append(table.filter(ours))
        rows.append(found.filter(ours).to_numpy().astype(np.int64))
    if not tables:
        return _no_words(), np.empty(0, dtype=np.int64)
    return pa.concat_tables(tables), np.concatenate(rows)


def _no_words() -> pa.Table:
    import pyarrow as pa

    kinds = {
        "prediction_id": pa.string(), "number": pa.float64(), "name": pa.string(), "at": pa.timestamp("us", "UTC")
    }  # fmt: skip
    return pa.schema(list(kinds.items())).empty_table()


def _first(rows: Places, count: int) -> Places:
    """Return the place of the first word on each row, -1 where there is none."""
    first = np.full(count, -1, dtype=np.int64)
    first[rows[::-1]] = np.arange(len(rows))[::-1]  # of several the last that is written stands
    return first


def _abstained(served: pa.Table) -> Flags:
    """Return the rows that were answered without a score, as the model's guard wanted it."""
    found: Flags = (served["status"].to_numpy() < SUCCESS) & served["score"].is_null().to_numpy(zero_copy_only=False)
    return found


def _why_not(served: pa.Table, heard: pa.Table, told: Flags, now: dt.datetime) -> dict[str, Flags]:
    """Return the rows whose label isn't joined, by the first reason that holds."""
    import pyarrow.compute as pc

    refused = told & served["score"].is_null().to_numpy(zero_copy_only=False)
    future = told & ~refused & _flags(pc.greater(heard["at"], now))
    early = [_flags(pc.less(heard["at"], served[name])) for name in ("at", "event_time")]
    before = told & ~refused & ~future & early[0] & early[1]
    return {
        "labels_of_refused_requests": refused,
        "labels_from_the_future": future,
        "labels_known_before_the_prediction": before,
    }


def _contradicted(said: pa.Table, rows: Places, first: Places) -> Flags:
    """Return the rows on which some word says something else than the first."""
    import pyarrow.compute as pc

    found = np.zeros(len(first), dtype=np.bool_)
    later = np.flatnonzero(first[rows] != np.arange(len(rows)))
    one, other = said.take(later), said.take(first[rows[later]])
    agree = np.zeros(len(later), dtype=np.bool_)
    for column in ("number", "name"):
        agree |= _flags(pc.equal(one[column], other[column]))
    found[rows[later[~agree]]] = True
    return found


def _flags(told: pa.ChunkedArray) -> Flags:
    import pyarrow.compute as pc

    found: Flags = pc.fill_null(told, fill_value=False).to_numpy()
    return found
