"""Compared columns: what a plot needs of the columns that findings name, without a value of a personal one."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.compared import FILE, KIND, ComparedColumn, ComparedColumns
from ml_platform.core.digest import canonical_json, digest_of_bytes
from ml_platform.core.measurement import number_text

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.stages.inspection.measure import Proven
    from ml_platform.stages.inspection.table import Column

MOST_COLUMNS = 12
MOST_FREQUENT = 8
MOST_CHANGED = 4
LEAST_ROWS = 10
OTHER = "other"
LONGEST_LEVEL = 60


def offending_columns(proven: Iterable[Proven]) -> list[str]:
    """Return the columns that findings name: broken hard rules first, then the largest effects."""
    worst = sorted(proven, key=lambda one: (one.p_value > 0, -one.evidence.effect))
    return list(dict.fromkeys(name for one in worst for name in one.evidence.columns))


def compare_columns(
    names: Iterable[str], reference: pd.DataFrame, new: pd.DataFrame, *, masked: Collection[str]
) -> ComparedColumns:
    """Return the first 12 of some columns as shares of classes; columns that only one table has are left out.

    Numbers and times are cut at quantiles of both tables together, each with the same weight; a value that holds a
    range's worth of rows is a range of its own. Texts keep their 8 most frequent levels and, of the
    others, the 4 whose shares differ most; a level of fewer than 10 rows is never told. Of a column in `masked` no
    value is told.
    """
    both = [name for name in names if name in reference.columns and name in new.columns]
    return ComparedColumns(
        reference_rows=len(reference),
        new_rows=len(new),
        columns=tuple(_compare(name, reference[name], new[name], name in masked) for name in both[:MOST_COLUMNS]),
        left_out=len(both[MOST_COLUMNS:]),
    )


def keep_compared(store: ArtefactStore, compared: ComparedColumns) -> str:
    """Store compared columns under the digest of what they say, and return it."""
    content = canonical_json(compared).encode()
    digest = digest_of_bytes(content)
    store.put(KIND, digest, {FILE: content})
    return digest


def _compare(name: str, before: pd.Series, now: pd.Series, masked: bool) -> ComparedColumn:  # noqa: FBT001
    column = _column(name, before, now)
    mapping, texts = _levels(column, len(before)) if column.kind == "levels" else _ranges(column, len(before))
    classes = np.append(mapping, len(texts))[column.codes]
    shares = [
        np.bincount(side, minlength=len(texts) + 1) / max(1, side.size)
        for side in (classes[: len(before)], classes[len(before) :])
    ]
    return ComparedColumn(
        name=name,
        masked=masked,
        classes=tuple(_masked(column.kind, len(texts)) if masked else texts),
        reference=tuple(shares[0][:-1].tolist()),
        new=tuple(shares[1][:-1].tolist()),
        missing=(float(shares[0][-1]), float(shares[1][-1])),
    )


def _masked(kind: str, count: int) -> Iterable[str]:
    word = "level" if kind == "levels" else "range"
    return (f"{word} {number}" for number in range(1, count + 1))


def _column(name: str, before: pd.Series, now: pd.Series) -> Column:
    """Return both sides as one column; where the type changed, as texts."""
    from ml_platform.stages.inspection.table import as_floats, kind_of, level_column, number_column

    kind, found = kind_of(before), kind_of(now)
    if kind in {None, "levels"} or found != kind:
        return level_column(name, before, now)
    return number_column(name, kind, as_floats(before, kind), as_floats(now, kind))


def _ranges(column: Column, reference_rows: int) -> tuple[NDArray[np.int64], list[str]]:
    """Map each distinct value to its range; ranges follow one another in order of size."""
    from ml_platform.stages.inspection.bins import binned

    before, now = np.arange(reference_rows), np.arange(reference_rows, column.codes.size)
    size = max(before.size, now.size) if before.size and now.size else 0
    classes = binned(column, np.concatenate([np.resize(before, size), np.resize(now, size)]))
    mapping = np.zeros(column.values.size, dtype=np.int64)
    mapping[column.codes[~column.missing]] = classes[~column.missing]
    starts = np.append(0, np.flatnonzero(np.diff(mapping)) + 1) if mapping.size else np.zeros(0, dtype=np.int64)
    ends = np.append(starts[1:], mapping.size) - 1 if mapping.size else starts
    edges = [(float(column.values[start]), float(column.values[end])) for start, end in zip(starts, ends, strict=True)]
    write = _time_text if column.kind == "time" else number_text
    return mapping, [write(low) if low == high else f"{write(low)} to {write(high)}" for low, high in edges]


def _time_text(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "?"
    at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%d" if (at.hour, at.minute) == (0, 0) else "%Y-%m-%d %H:%M")


def _levels(column: Column, reference_rows: int) -> tuple[NDArray[np.int64], list[str]]:
    """Map each level to its class: the most frequent, those that changed most, and one class for all others."""
    from ml_platform.stages.inspection.tables import count_of

    size = column.values.size
    before, now = (count_of(codes, size) for codes in (column.codes[:reference_rows], column.codes[reference_rows:]))
    total = before + now
    order = [code for code in np.argsort(-total, kind="stable").tolist() if total[code] >= LEAST_ROWS]
    gap = np.abs(before / max(1, reference_rows) - now / max(1, column.codes.size - reference_rows))
    changed = sorted(order[MOST_FREQUENT:], key=lambda code: -gap[code])[:MOST_CHANGED]
    kept = order[:MOST_FREQUENT] + changed
    mapping = np.full(size, len(kept), dtype=np.int64)
    mapping[kept] = np.arange(len(kept))
    texts = [str(column.values[code])[:LONGEST_LEVEL] for code in kept]
    return mapping, [*texts, OTHER] if len(kept) < size else texts
