"""Served once: the predictions of a window, each once, by id, out of the lines that the log holds of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

    from ml_platform.stages.periods import Period

    Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A window's predictions as a table, ordered by id; lines that repeat one, and that say something else of one."""

    rows: pa.Table
    repeated: int
    contrary: int


def served_once(predictions: Iterable[pa.Table], period: Period) -> Served:
    """Return each prediction of a period once: of contrary lines with one id the first that was answered stands.

    `predictions` are as `collect_window` takes them. What nobody was answered with is left out.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = pa.concat_tables(predictions)
    inside = _inside(rows, period)
    ids = rows["id"].combine_chunks().take(inside)
    order = pc.sort_indices(ids).to_numpy()
    ids = ids.take(order)
    same = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    places = inside[order]
    stands, repeated, contrary = _first_words(rows, places, same) if same.any() else (places, 0, 0)
    columns = dict(zip(rows.column_names, rows.columns, strict=True))
    del rows
    return Served(rows=_taken(columns, stands), repeated=repeated, contrary=contrary)


def _inside(rows: pa.Table, period: Period) -> Places:
    """Return the places of the period's rows that somebody was answered with."""
    import pyarrow as pa
    import pyarrow.compute as pc

    when = rows["event_time"]
    inside = pc.and_(pc.greater_equal(when, period.start), pc.less(when, period.end))
    answered = pc.equal(rows["pair"].cast(pa.string()), "")
    return np.flatnonzero(pc.and_(inside, answered).to_numpy())


def _first_words(rows: pa.Table, places: Places, same: NDArray[np.bool_]) -> tuple[Places, int, int]:
    """Return where the line of each id lies that stands; `same` says of each place but the first: the id before."""
    import pyarrow as pa

    begins = np.flatnonzero(np.concatenate([[True], ~same]))
    sizes = np.diff(np.append(begins, len(places)))
    among = np.repeat(np.arange(len(begins)), sizes)
    several = np.repeat(sizes > 1, sizes)
    lines, among = places[several], among[several]
    told = pa.table({name: rows[name].combine_chunks().take(lines) for name in ("event_time", "at", "says")})
    when, at = (told[name].cast(pa.int64()).to_numpy() for name in ("event_time", "at"))
    says = told["says"].to_pylist()
    stands, known, repeated, contrary = places[begins], -1, 0, 0
    for line in np.lexsort((lines, at, when, among)).tolist():
        if known < 0 or among[line] != among[known]:
            known = line
        else:
            repeated += says[line] == says[known]
            contrary += says[line] != says[known]
            known = line if at[line] < at[known] else known
        stands[among[known]] = lines[known]
    return stands, repeated, contrary


def _taken(columns: dict[str, pa.ChunkedArray], places: Places) -> pa.Table:
    """Return rows by their places, and empty the columns: so only one of them is there twice at a time."""
    import pyarrow as pa

    return pa.table({name: columns.pop(name).combine_chunks().take(places) for name in list(columns)})
