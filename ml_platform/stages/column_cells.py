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
        codes, texts = coded(column)
        places = {level: place for place, level in enumerate(self.levels)}
        rare = len(self.levels)
        place = np.array([*(places.get(text, rare) for text in texts), rare + 1], dtype=np.intp)
        return np.bincount(place[codes], minlength=rare + 2)


def cells_of(column: pd.Series[Any]) -> ColumnCells:
    """Return the cells of a column as its rows at release fill them; levels of fewer than 20 rows share one."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        edges = histogram_edges(column.to_numpy(dtype=np.float64, na_value=np.nan))
        return ColumnCells(names=(*_between(edges), MISSING), edges=edges)
    codes, texts = coded(column)
    counted = sorted(zip(np.bincount(codes, minlength=len(texts) + 1)[:-1].tolist(), texts, strict=True), reverse=True)
    frequent = tuple(sorted(text for count, text in counted[:MOST_LEVELS] if count >= FEWEST))
    return ColumnCells(names=(*frequent, RARE, MISSING), levels=frequent)


def coded(column: pd.Series[Any]) -> tuple[Counts, list[str]]:
    """Return each row's place among the levels' texts, and these; a missing value's place is the one after the last.

    A level is the same text whether a table or a request wrote it.
    """
    import pandas as pd

    codes, found = pd.factorize(column)
    texts = [level_text(level) for level in list(found)]
    known = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    place = np.array([*(known[text] for text in texts), len(known)], dtype=np.intp)
    return place[codes], list(known)


def _between(edges: NDArray[np.float64]) -> tuple[str, ...]:
    if not edges.size:
        return ("any number",)
    ends = [number_text(float(edge)) for edge in edges]
    pairs = itertools.pairwise(ends)
    return (f"below {ends[0]}", *(f"{low} to {high}" for low, high in pairs), f"from {ends[-1]}")
