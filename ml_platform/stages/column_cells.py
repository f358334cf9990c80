"""Column cells: where an input's values fall - tenths of a number, levels of a category, missing - fixed at release."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import number_text
from ml_platform.stages.level_text import level_text
from ml_platform.stats.histogram_edges import histogram_counts, histogram_edges

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 20
MOST_LEVELS = 200
RARE, MISSING = "rare or new", "missing"

Counts = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCells:
    """The cells of a column: cut at `edges` where it holds numbers, else its frequent `levels`; the last is missing."""

    names: tuple[str, ...]
    edges: NDArray[np.float64] | None = None
    levels: tuple[str, ...] = ()

    def counts(self, column: pd.Series[Any]) -> Counts:
        """Count the column's rows in each cell; where numbers are meant, what is none counts as missing."""
        import pandas as pd

        if self.edges is not None:
            return histogram_counts(pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64), self.edges)
        texts = as_text(column)
        codes = pd.Index(self.levels, dtype="str").get_indexer(pd.Index(texts))
        rare, missing = len(self.levels), texts.isna().to_numpy()
        return np.bincount(np.where(missing, rare + 1, np.where(codes < 0, rare, codes)), minlength=rare + 2)


def cells_of(column: pd.Series[Any]) -> ColumnCells:
    """Return the cells of a column as its rows at release fill them; levels of fewer than 20 rows share one."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        edges = histogram_edges(column.to_numpy(dtype=np.float64, na_value=np.nan))
        return ColumnCells(names=(*_between(edges), MISSING), edges=edges)
    counted = as_text(column).value_counts()
    frequent = tuple(sorted(counted.index[counted >= FEWEST][:MOST_LEVELS].tolist()))
    return ColumnCells(names=(*frequent, RARE, MISSING), levels=frequent)


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column's levels as text, the way a table and a request write them alike; missing values stay so."""
    text = column.astype("str")
    ends = text.str.endswith(".0")
    if bool(ends.any()):
        text = text.where(~ends, text.map(level_text, na_action="ignore"))
    return text


def _between(edges: NDArray[np.float64]) -> tuple[str, ...]:
    if not edges.size:
        return ("any number",)
    ends = [number_text(float(edge)) for edge in edges]
    pairs = itertools.pairwise(ends)
    return (f"below {ends[0]}", *(f"{low} to {high}" for low, high in pairs), f"from {ends[-1]}")
