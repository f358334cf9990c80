"""Repeats: which rows hold a key that an earlier row held, exactly and in bounded memory, for any number of rows.

Keys are written to a temporary file as they come. Afterwards they are looked at in parts, each holding all rows of a
share of the keys, so that no more than a part is in memory at once.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

MOST_KEYS = 1 << 23
_CHUNK = 1 << 18
_ODD = np.uint64(0x9E3779B97F4A7C15)
Keys = NDArray[np.uint64]
RowNumbers = NDArray[np.int64]


class Repeats:
    """The keys of one column; add them in the order of the rows, then ask."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._keys, self._rows = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed with this
        self._count = 0
        self._most = most_keys

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._keys.close()
        self._rows.close()

    def add(self, keys: Keys, rows: RowNumbers) -> None:
        """Remember keys and the numbers of their rows, which ascend."""
        self._count += len(keys)
        self._keys.write(keys.tobytes())
        self._rows.write(rows.tobytes())

    def shared(self) -> Iterator[tuple[Keys, RowNumbers]]:
        """Yield, part by part, the keys that two rows or more hold, with their rows in ascending order."""
        bits = max(0, math.ceil(math.log2(max(1, self._count) / self._most)))
        for part in range(1 << bits):
            ordered = np.concatenate([np.empty(0, dtype=np.uint64), *(keys for keys, _ in self._chunks(part, bits))])
            ordered.sort()
            twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
            del ordered
            if twice.size:
                yield self._holding(twice, part, bits)

    def repeated(self) -> RowNumbers:
        """Return the rows whose key an earlier row holds, in ascending order."""
        found = []
        for keys, rows in self.shared():
            _, first = np.unique(keys, return_index=True)
            found.append(np.delete(rows, first))
        return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *found]))

    def _holding(self, twice: Keys, part: int, bits: int) -> tuple[Keys, RowNumbers]:
        """Read the rows of a part again and keep those that hold one of these keys."""
        found_keys, found_rows = [], []
        self._rows.seek(0)
        for keys, chosen in self._chunks(part, bits):
            rows = np.frombuffer(self._rows.read(8 * len(chosen)), dtype=np.int64)[chosen]
            held = twice[np.minimum(np.searchsorted(twice, keys), twice.size - 1)] == keys
            found_keys.append(keys[held])
            found_rows.append(rows[held])
        return np.concatenate(found_keys), np.concatenate(found_rows)

    def _chunks(self, part: int, bits: int) -> Iterator[tuple[Keys, NDArray[np.bool_]]]:
        """Yield the keys of a part, chunk by chunk, and which of the chunk's rows hold them."""
        self._keys.seek(0)
        while content := self._keys.read(8 * _CHUNK):
            keys = np.frombuffer(content, dtype=np.uint64)
            chosen = np.ones(len(keys), dtype=np.bool_)
            if bits:
                chosen = (keys * _ODD) >> np.uint64(64 - bits) == part
            yield keys[chosen], chosen
