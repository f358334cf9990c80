"""Make tables: two frames as typed columns, the reference's rows divided for learning and for comparing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.inspection.table import Column, as_floats, level_column, number_column
from ml_platform.stages.inspection.tables import Tables

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from ml_platform.stages.inspection.table import Floats, Kind

MOST_FITTED = 5_000
SCORE = "(score)"
SECONDS_PER_DAY = 86_400
SECONDS_PER_HOUR = 3_600
FAR_SPANS, FAR_SECONDS = 5, 366 * SECONDS_PER_DAY


def make_tables(
    reference: pd.DataFrame,
    batch: pd.DataFrame,
    kinds: Mapping[str, Kind],
    *,
    target: str | None = None,
    scores: tuple[ArrayLike, ArrayLike] | None = None,
) -> Tables:
    """Return the columns that both frames have; which rows are learned from is drawn with the reference as the seed.

    Row numbers alone must not decide: where rows lie in order, neighbours would be dealt to learning and comparing in
    fixed turns, and the rows compared would resemble those learned from more than the batch's do.

    A clock or a counter that runs on is left out: times later than all of the reference's (unless by more than a year
    and five times what the reference spans), and numbers that grow from row to row through the reference and on through
    the batch.
    """
    every = (_column(name, kind, reference, batch) for name, kind in kinds.items() if name in batch.columns)
    columns = [column for column in every if not _runs_on(column, len(reference))]
    columns += [hours for column in columns if column.kind == "time" for hours in _hours(column)]
    scored = _scores(scores, reference, batch)
    if scored is not None:
        columns.append(number_column(SCORE, "number", scored[: len(reference)], scored[len(reference) :]))
    order = np.random.default_rng(_seed(columns, len(reference))).permutation(len(reference))
    fitted = min(len(reference) // 2, MOST_FITTED)
    return Tables(
        columns=tuple(columns),
        reference_rows=len(reference),
        batch_rows=len(batch),
        fit=np.sort(order[:fitted]),
        held=np.sort(order[fitted:]),
        target=next((column for column in columns if column.name == target), None),
        scores=scored,
    )


def _column(name: str, kind: Kind, reference: pd.DataFrame, batch: pd.DataFrame) -> Column:
    if kind == "levels":
        return level_column(name, reference[name], batch[name])
    before, now = as_floats(reference[name], kind), as_floats(batch[name], kind)
    if any(
        frame[name].dtype == np.float32 for frame in (reference, batch)
    ):  # what one table can't tell isn't asked of the other
        before, now = (one.astype(np.float32).astype(np.float64) for one in (before, now))
    return number_column(name, kind, before, now)


def _seed(columns: Sequence[Column], reference_rows: int) -> int:
    """Return a number that follows from the reference's values alone: of its numbers and times, or else its texts."""
    digest = hashlib.blake2b(digest_size=8)
    numbers = [column for column in columns if column.kind != "levels"]
    for column in numbers or columns:
        codes = column.codes[:reference_rows]
        if column.kind == "levels":
            digest.update("\n".join(map(str, np.append(column.values, "")[codes])).encode(errors="replace"))
        else:
            digest.update(np.append(column.values.astype(np.float64), np.nan)[codes].tobytes())
    return int.from_bytes(digest.digest(), "big")


def _hours(column: Column) -> list[Column]:
    """Return the hour of the day of a time column that has one, as a column of its own."""
    clock = column.values.astype(np.float64) % SECONDS_PER_DAY // SECONDS_PER_HOUR
    values, mapping = np.unique(clock, return_inverse=True)
    if values.size < 2:
        return []
    codes = np.append(mapping, -1)[column.codes].astype(np.int64)
    return [Column(name=f"{column.name} (hour)", kind="number", codes=codes, values=values)]


def _runs_on(column: Column, reference_rows: int) -> bool:
    before, now = column.codes[:reference_rows], column.codes[reference_rows:]
    if column.kind == "levels" or min(before.size, now.size) < 2 or now.min() <= before.max():
        return False
    if column.kind == "time":
        return not _far_ahead(column, before, int(now.min()))
    return bool((np.diff(before) > 0).all() and (np.diff(now) > 0).all())


def _far_ahead(column: Column, before: NDArray[np.int64], first: int) -> bool:
    """Say whether times begin so much later than the reference ends that no clock has run on to there."""
    seconds = column.values.astype(np.float64)
    known = seconds[before[before >= 0]]
    gap = seconds[first] - known.max() if known.size else 0.0
    return bool(gap > max(FAR_SPANS * (known.max() - known.min()), FAR_SECONDS)) if known.size else False


def _scores(scores: tuple[ArrayLike, ArrayLike] | None, reference: pd.DataFrame, batch: pd.DataFrame) -> Floats | None:
    if scores is None:
        return None
    before, now = (np.asarray(side, dtype=np.float64).ravel() for side in scores)
    if (before.size, now.size) != (len(reference), len(batch)):
        message = (
            f"inspect_batch: scores hold {before.size:,} and {now.size:,} values for {len(reference):,} and "
            f"{len(batch):,} rows; one score per row is needed; score both tables with the same held-out model"
        )
        raise DataInvalid(message)
    return np.concatenate([before, now])
