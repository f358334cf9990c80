"""Encode one: a single request row as float columns of one number each, in memory that is used again and again."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.scoring import InputColumn
from ml_platform.stages.encode import Levels, cell_of, encode_rows


class OneRowEncoder:
    """Encodes as `encode_rows` does, for fixed inputs; safe for threads.

    Most of the cost of a single row is making arrays, so each thread has them made once: the columns hold the row until
    the same thread encodes its next.
    """

    def __init__(self, inputs: Sequence[InputColumn], levels: Levels) -> None:
        self._inputs, self._levels = inputs, levels
        self._cells = [
            (column.name, float if column.type in {"number", "integer"} else None, cell_of(column, levels))
            for column in inputs
        ]
        self._made = _Made([column.name for column in inputs])

    def __call__(self, row: Mapping[str, object]) -> dict[str, NDArray[np.float64]]:
        """Return the row's columns; raises DataInvalid, naming column and type, for a value of another type."""
        get, made = row.get, self._made
        try:
            made.block[:] = [
                value if type(value := get(name)) is ready else cell(value) for name, ready, cell in self._cells
            ]
        except (TypeError, ValueError, OverflowError):
            return encode_rows(self._inputs, self._levels, [row])  # names the column
        return made.columns.copy()


class _Made(threading.local):
    """The arrays of one thread: `columns` are the places of `block`."""

    def __init__(self, names: Sequence[str]) -> None:
        self.block = np.empty(len(names), dtype=np.float64)
        self.columns = {name: self.block[place : place + 1] for place, name in enumerate(names)}
