"""Batch column: one column of a batch of rows against its declaration, the same verdicts as in memory.

Arrow's own columns of the declared kind (numbers, truths, times with a zone, texts) are looked at as they are; any
other goes through `read_column`, as it does in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.policy.spec import Column
from ml_platform.stages.cells import Cells, cells_of, of_levels
from ml_platform.stages.coerce import EARLIEST, FLAWS, LARGEST_WHOLE, LATEST, LONGEST_TEXT, is_level
from ml_platform.stages.formats import has_format, matches
from ml_platform.stages.level_text import level_text
from ml_platform.stages.read_column import read_column
from ml_platform.stages.rule_checks import MISSING, NO_FORMAT, NO_LEVEL, NO_PATTERN, OUT_OF_RANGE, is_nullable

if TYPE_CHECKING:
    import pyarrow as pa  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

Rows = NDArray[np.bool_]
_EARLIEST, _LATEST = (np.datetime64(day.replace(tzinfo=None), "us").astype(np.int64) for day in (EARLIEST, LATEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a batch's column holds: its cells or texts if they were asked for, the rows that break each rule.

    `missing` are the rows without a value where that breaks no rule; None when there is none.
    """

    cells: Cells | None
    texts: pa.Array | None = None
    missing: Rows | None = None
    broken: Mapping[str, Rows]
    coerced: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """The different texts of a batch: their levels, which can be one, and which pass each test that some don't."""

    dictionary: pa.Array
    levels: tuple[str, ...]
    usable: Rows
    tests: Mapping[str, Rows]


@dataclass(frozen=True, slots=True)
class BatchColumn:
    """A column's declaration, ready to be held against one batch after the other.

    `with_cells` asks for the cells. A unique column gives its cells too, or its texts as Arrow holds them.
    """

    name: str
    column: Column
    with_cells: bool
    _last: list[_Texts] = field(default_factory=list)

    @property
    def _gives_cells(self) -> bool:
        return self.with_cells or self.column.unique

    def check(self, array: pa.Array) -> Found:
        """Check a batch's column."""
        import pyarrow as pa

        kind = array.type
        match self.column.type:
            case "integer" | "number" if pa.types.is_integer(kind) or pa.types.is_float64(kind):
                return self._numbers(array)
            case "category" if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
                return self._open_texts(array, array.dictionary) or self._texts(array)
            case "category" if pa.types.is_string(kind) or pa.types.is_large_string(kind):
                return self._open_texts(array, array) or self._texts(array.dictionary_encode())
            case "boolean" if pa.types.is_boolean(kind):
                return self._own(array, lambda: array.fill_null(False).to_numpy(zero_copy_only=False))  # noqa: FBT003
            case "datetime" if pa.types.is_timestamp(kind) and kind.tz is not None and kind.unit == "us":
                return self._times(array)
            case _:
                return self._any(array)

    def _own(self, array: pa.Array, values: Callable[[], NDArray[Any]]) -> Found:
        """Check a column in which only missing values can be wrong."""
        present = _present(array)
        cells = Cells(values=values(), present=present) if self._gives_cells else None
        if not array.null_count:
            return Found(cells=cells, broken={})
        return Found(cells=cells, broken=self._missing(~present), missing=self._gaps(~present))

    def _times(self, array: pa.Array) -> Found:
        import pyarrow as pa

        numbers = array.cast(pa.int64()).fill_null(0).to_numpy()
        if len(numbers) and not (numbers.min() >= _EARLIEST and numbers.max() <= _LATEST):
            return self._any(array)
        return self._own(array, lambda: numbers)

    def _numbers(self, array: pa.Array) -> Found:
        """Check numbers; as long as the least and the greatest are good, no cell is looked at alone."""
        values = array.to_numpy(zero_copy_only=False)
        low, high = self.column.range or (-np.inf, np.inf)
        whole = self.column.type == "integer"
        limit = LARGEST_WHOLE if whole or values.dtype != np.float64 else np.finfo(np.float64).max
        if array.null_count == 0 and len(values):
            least, greatest = values.min(), values.max()
            good = least >= max(low, -limit) and greatest <= min(high, limit)
            if good and (not whole or values.dtype != np.float64 or bool((values == np.rint(values)).all())):
                present = np.ones(len(values), dtype=np.bool_) if self._gives_cells else None
                return Found(cells=None if present is None else Cells(values=values, present=present), broken={})
        values = values.astype(np.float64)
        there = ~np.isnan(values)
        bad = there & ~np.isfinite(values)
        if whole:
            with np.errstate(invalid="ignore"):
                bad = there & ~((np.abs(values) <= LARGEST_WHOLE) & (values == np.rint(values)))
        present = there & ~bad
        broken = {FLAWS[self.column.type]: bad, **self._missing(~there)}
        broken[OUT_OF_RANGE] = present & ((values < low) | (values > high))
        return Found(cells=Cells(values=values, present=present), broken=broken, missing=self._gaps(~there))

    def _open_texts(self, array: pa.Array, texts: pa.Array) -> Found | None:
        """Check texts of which nothing is asked but that they aren't too long; None when more has to be looked at."""
        import pyarrow.compute as pc

        column = self.column
        asked = self.with_cells or any(one is not None for one in (column.levels, column.format, column.pattern))
        if asked or (pc.max(pc.binary_length(texts)).as_py() or 0) > LONGEST_TEXT:
            return None
        if column.unique and (texts is not array or pc.any(pc.ends_with(texts, ".0")).as_py()):
            return None
        if not array.null_count:
            return Found(cells=None, texts=array, broken={})
        gaps = ~_present(array)
        return Found(cells=None, texts=array, broken=self._missing(gaps), missing=self._gaps(gaps))

    def _texts(self, array: pa.DictionaryArray) -> Found:
        """Check texts by looking at each different one once."""
        texts = self._distinct(array.dictionary)
        codes = array.indices.fill_null(-1).to_numpy()
        there = codes >= 0
        every = Cells(values=codes, present=there, levels=texts.levels)
        if texts.usable.all():
            return self._of_texts(every, there, texts, broken={})
        bad = of_levels(every, ~texts.usable)
        cells = Cells(values=codes, present=there & ~bad, levels=texts.levels)
        return self._of_texts(cells, there, texts, broken={FLAWS["category"]: bad})

    def _distinct(self, dictionary: pa.Array) -> _Texts:
        """Look at different texts; those of one batch are often those of the last one."""
        if not (self._last and self._last[0].dictionary.equals(dictionary)):
            levels = tuple(level_text(text, self.column.levels or ()) for text in dictionary.to_pylist())
            usable = np.array([is_level(level) for level in levels], dtype=np.bool_)
            tests = {rule: good for rule, good in self._level_tests(levels) if not good.all()}
            self._last[:] = [_Texts(dictionary=dictionary, levels=levels, usable=usable, tests=tests)]
        return self._last[0]

    def _of_texts(self, cells: Cells, there: Rows, texts: _Texts, broken: dict[str, Rows]) -> Found:
        broken |= {rule: of_levels(cells, ~good) for rule, good in texts.tests.items()}
        return Found(cells=cells, broken=broken | self._missing(~there), missing=self._gaps(~there))

    def _level_tests(self, levels: Sequence[str]) -> Iterator[tuple[str, Rows]]:
        column = self.column
        if column.levels is not None:
            allowed = frozenset(column.levels)
            yield NO_LEVEL, np.array([level in allowed for level in levels], dtype=np.bool_)
        if column.format is not None:
            yield NO_FORMAT, has_format(column.format, levels)
        if column.pattern is not None:
            yield NO_PATTERN, matches(column.pattern, levels)

    def _any(self, array: pa.Array) -> Found:
        """Check a column of any other kind as it is checked in memory."""
        read = read_column(array.to_pandas(), self.column)
        cells = cells_of(read.values, self.column.type)
        there = cells.present | read.bad
        broken: dict[str, Rows] = {FLAWS[self.column.type]: read.bad}
        if cells.levels is not None:
            broken |= {rule: of_levels(cells, ~good) for rule, good in self._level_tests(cells.levels)}
        if self.column.range is not None:
            low, high = self.column.range
            broken[OUT_OF_RANGE] = cells.present & ((cells.values < low) | (cells.values > high))
        return Found(
            cells=cells, broken=broken | self._missing(~there), missing=self._gaps(~there), coerced=read.coerced
        )

    def _missing(self, missing: Rows) -> dict[str, Rows]:
        return {} if is_nullable(self.column) else {MISSING: missing}

    def _gaps(self, missing: Rows) -> Rows | None:
        return missing if is_nullable(self.column) and missing.any() else None


def _present(array: pa.Array) -> Rows:
    found: Rows = array.is_valid().to_numpy(zero_copy_only=False)
    return found
