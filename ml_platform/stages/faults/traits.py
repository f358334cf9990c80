"""Traits: what a column is like, as far as faults need to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ml_platform.stages.faults.cells import is_number, numbers_of

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "text", "flag", "time", "other"]
MOST_LEVELS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """A column's kind, how many values differ, its levels (the most frequent first), spread and missing share."""

    name: str
    kind: Kind
    distinct: int
    levels: tuple[object, ...]
    shares: tuple[float, ...]
    missing: float
    whole: bool = False
    middle: float = 0.0
    spread: float = 0.0

    @property
    def is_measure(self) -> bool:
        """True for a number that takes many values."""
        return self.kind == "number" and self.distinct > 10 and self.spread > 0

    @property
    def is_coded(self) -> bool:
        """True for a column of few levels, text or number."""
        return 2 <= self.distinct <= (25 if self.kind == "number" else 300) and self.kind != "time"


def traits_of(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, Trait]:
    """Look at each column."""
    return {name: _trait(name, frame[name]) for name in columns}


def _trait(name: str, values: pd.Series) -> Trait:
    counts = values.value_counts(dropna=True)
    counts = counts[counts > 0]
    kind = _kind(values, list(counts.index[:100]))
    total = max(1, int(counts.sum()))
    numbers = numbers_of(values) if kind == "number" else np.empty(0)
    numbers = numbers[np.isfinite(numbers)]
    return Trait(
        name=name,
        kind=kind,
        distinct=len(counts),
        levels=tuple(counts.index[:MOST_LEVELS]),
        shares=tuple(float(count) / total for count in counts.iloc[:MOST_LEVELS]),
        missing=float(values.isna().mean()) if len(values) else 0.0,
        whole=bool(numbers.size and np.all(numbers == np.rint(numbers))),
        middle=float(np.median(numbers)) if numbers.size else 0.0,
        spread=float(np.std(numbers)) if numbers.size else 0.0,
    )


def _kind(values: pd.Series, seen: Sequence[object]) -> Kind:
    import pandas as pd

    if pd.api.types.is_bool_dtype(values.dtype):
        return "flag"
    if is_number(values):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "time"
    return "text" if seen and all(isinstance(one, str) for one in seen) else "other"
