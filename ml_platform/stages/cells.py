"""Cells: a typed column as plain arrays, the same for a frame in memory and for a batch of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.stages.coerce import ColumnType


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Values of shape (n,), and which are present; a category's values are places in `levels`.

    Numbers are floats or integers, truths booleans, times microseconds since 1970 in UTC. What stands in the place of
    a missing value means nothing.
    """

    values: NDArray[Any]
    present: NDArray[np.bool_]
    levels: tuple[str, ...] | None = None


def cells_of(values: pd.Series, kind: ColumnType) -> Cells:
    """Return the cells of a column in the canonical form of its type (see `coerce`)."""
    present = values.notna().to_numpy()
    match kind:
        case "category":
            return Cells(values=values.cat.codes.to_numpy(), present=present, levels=tuple(values.cat.categories))
        case "datetime":
            naive = values.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
            return Cells(values=naive.view(np.int64), present=present)
        case "boolean":
            return Cells(values=values.to_numpy(dtype=np.bool_, na_value=False), present=present)
        case _:
            return Cells(values=values.to_numpy(dtype=np.float64, na_value=np.nan), present=present)


def of_levels(cells: Cells, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return for every cell what holds for its level, False where it is missing."""
    by_cell: NDArray[np.bool_] = np.append(chosen, np.False_)[np.where(cells.present, cells.values, -1)]
    return by_cell
