"""Fault: one way in which data go wrong, where it can be planted and how large.

A fault is planted in two steps, so that the same fault can be planted into many batches. First it is *aimed*: which
columns, which slice, which levels; that rests on reference rows. Then it is *planted* into a batch: which rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.faults.cells import numbers_of, put, put_numbers, rewrite
from ml_platform.stages.faults.traits import Trait, traits_of

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads these dataclasses' annotations)

Rows = NDArray[np.bool_]


class Severity(StrEnum):
    """How large a planted fault is."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Rows that belong together: those with one level of a column, or with numbers from `low` to below `high`."""

    column: str
    level: object = None
    low: float = -np.inf
    high: float = np.inf

    def rows(self, frame: pd.DataFrame) -> Rows:
        """Return which rows are in the slice, shape (n,)."""
        if self.level is not None:
            return np.asarray((frame[self.column] == self.level).fillna(value=False), dtype=np.bool_)
        values = numbers_of(frame[self.column])
        return (values >= self.low) & (values < self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known around a batch: rows that are good, the label column, what each column is like."""

    reference: pd.DataFrame
    target: str | None
    traits: dict[str, Trait]

    @classmethod
    def of(cls, reference: pd.DataFrame, *, target: str | None = None, columns: Sequence[str] | None = None) -> Scene:
        """Look at the reference rows; faults are aimed at `columns` (all but the target by default)."""
        kept = [name for name in (reference.columns if columns is None else columns) if name != target]
        return cls(reference=reference, target=target, traits=traits_of(reference, kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Where a fault goes: its columns (none for a fault of whole rows), a slice, and the levels or values it uses."""

    columns: tuple[str, ...] = ()
    slice: Slice | None = None
    levels: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One planting: the batch, the aim, the size, and the randomness that picks rows."""

    frame: pd.DataFrame
    aim: Aim
    size: float
    rng: np.random.Generator
    scene: Scene

    @property
    def column(self) -> str:
        """Return the first column aimed at."""
        return self.aim.columns[0]

    @property
    def values(self) -> pd.Series:
        """Return the first column's cells."""
        return self.frame[self.column]

    @property
    def numbers(self) -> NDArray[np.float64]:
        """Return the first column as floats, NaN where it is missing."""
        return numbers_of(self.values)

    @property
    def trait(self) -> Trait:
        """Return what the first column is like in the reference rows."""
        return self.scene.traits[self.column]

    @property
    def sliced(self) -> Rows:
        """Return the rows of the slice aimed at."""
        assert self.aim.slice is not None  # noqa: S101  (an aim of this kind always has one)
        return self.aim.slice.rows(self.frame)

    def some(self, share: float | None = None, among: Rows | None = None) -> Rows:
        """Pick rows by chance: a share (by default the size) of all rows, from `among`, at least one if there is."""
        places = np.flatnonzero(np.ones(len(self.frame), dtype=bool) if among is None else among)
        of = len(self.frame) if among is None else places.size
        count = min(places.size, max(1, round(of * (self.size if share is None else share))))
        return self._mask(self.rng.choice(places, size=count, replace=False))

    def block(self) -> Rows:
        """Pick a run of rows, as long as the size says, at a place by chance."""
        count = min(len(self.frame), max(2, round(len(self.frame) * self.size)))
        first = int(self.rng.integers(0, len(self.frame) - count + 1))
        return self._mask(np.arange(first, first + count))

    @property
    def present(self) -> Rows:
        """Return the rows in which the first column isn't missing."""
        return self.values.notna().to_numpy()

    def _mask(self, places: NDArray[np.intp]) -> Rows:
        rows = np.zeros(len(self.frame), dtype=bool)
        rows[places] = True
        return rows

    def with_columns(self, **columns: pd.Series) -> pd.DataFrame:
        """Return the batch with columns replaced; the batch itself stays as it is."""
        return self.frame.assign(**columns)

    def put(self, rows: Rows, new: object) -> pd.DataFrame:
        """Return the batch with one value, or one per picked row, in the picked cells; None makes them missing."""
        return self.with_columns(**{self.column: put(self.values, rows, new)})

    def put_numbers(self, new: NDArray[np.float64], rows: Rows | None = None) -> pd.DataFrame:
        """Return the batch with new numbers (of all rows) in the picked cells; whole numbers stay whole."""
        kept = new if rows is None else np.where(rows, new, self.numbers)
        return self.with_columns(**{self.column: put_numbers(self.values, kept, whole=self.trait.whole)})

    def rewrite(self, rows: Rows, change: Callable[[str], str]) -> pd.DataFrame:
        """Return the batch with the picked texts changed."""
        return self.with_columns(**{self.column: rewrite(self.values, rows, change)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A kind of fault. `sizes` are the three severities in `unit`; `aims` lists every place it can go to."""

    name: str
    meaning: str
    unit: str
    sizes: tuple[float, float, float]
    aims: Callable[[Scene, np.random.Generator], list[Aim]] = field(repr=False)
    plant: Callable[[Site], pd.DataFrame] = field(repr=False)

    def size(self, severity: Severity) -> float:
        """Return the size of a severity."""
        return self.sizes[list(Severity).index(severity)]
