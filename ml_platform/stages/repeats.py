"""Repeats: which rows hold a key that an earlier row held, exactly and in bounded memory, for any number of rows.

Keys are written to a temporary file as they come. Afterwards they are looked at in parts, each holding all rows of a
share of the keys, so that no more than a part is in memory at once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

MOST_KEYS = 1 << 22
_CHUNK = 1 << 18
_ODD = np.uint64(0x9E3779B97F4A7C15)
Keys = NDArray[np.uint64]
RowNumbers = NDArray[np.int64]


class Repeats:
    """The keys of one column; add them in the order of the rows, then ask."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        self._count = 0
        self._most = most_keys

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, keys: Keys, rows: RowNumbers) -> None:
        """Remember keys and the numbers of their rows, which ascend."""
        self._count += len(keys)
        self._file.write(np.column_stack([keys, rows.view(np.uint64)]).tobytes())

    def shared(self) -> Iterator[tuple[Keys, RowNumbers]]:
        """Yield, part by part, the keys that two rows or more hold, with their rows in ascending order."""
        parts = -(-self._count // self._most)
        for part in range(parts):
            keys = np.concatenate([chunk[:, 0].copy() for chunk in self._chunks(part, parts)])
            ordered = np.sort(keys)
            twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
            if not twice.size:
                continue
            rows = np.concatenate([chunk[:, 1].copy() for chunk in self._chunks(part, parts)]).view(np.int64)
            place = np.minimum(np.searchsorted(twice, keys), twice.size - 1)
            held = twice[place] == keys
            yield keys[held], rows[held]

    def repeated(self) -> RowNumbers:
        """Return the rows whose key an earlier row holds, in ascending order."""
        found = []
        for keys, rows in self.shared():
            _, first = np.unique(keys, return_index=True)
            found.append(np.delete(rows, first))
        return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *found]))

    def _chunks(self, part: int, parts: int) -> Iterator[NDArray[np.uint64]]:
        self._file.seek(0)
        while content := self._file.read(_CHUNK * 16):
            pairs = np.frombuffer(content, dtype=np.uint64).reshape(-1, 2)
            if parts == 1:
                yield pairs
            else:
                yield pairs[((pairs[:, 0] * _ODD) >> np.uint64(40)) % np.uint64(parts) == part]
