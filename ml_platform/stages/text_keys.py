"""Text keys: a 64-bit number for every text, computed for a whole column at once; equal texts have equal keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_ODD = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(31)


def text_keys(texts: pa.StringArray) -> NDArray[np.uint64]:
    """Return the keys of texts without a missing one, shape (n,). Different texts may share a key, though hardly ever.

    The words of eight bytes are mixed in order (the constants are splitmix64's), the length first.
    """
    import pyarrow as pa

    plain = texts.cast(pa.large_string())
    offsets = np.frombuffer(plain.buffers()[1], dtype=np.int64)[plain.offset : plain.offset + len(plain) + 1]
    data = np.frombuffer(plain.buffers()[2] or b"", dtype=np.uint8)
    lengths = np.diff(offsets)
    if len(lengths) and lengths.min() == lengths.max():  # most identifiers are as long as one another
        return _mix(data[offsets[0] : offsets[-1]].reshape(len(lengths), -1), int(lengths[0]))
    keys = np.empty(len(plain), dtype=np.uint64)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        keys[rows] = _mix(data[offsets[rows][:, None] + np.arange(length)], length)
    return keys


def _mix(letters: NDArray[np.uint8], length: int) -> NDArray[np.uint64]:
    """Return the keys of texts of one length, whose bytes are the rows of a table."""
    padded = np.zeros((len(letters), -(-length // 8) * 8), dtype=np.uint8)
    padded[:, :length] = letters
    words = padded.view(np.uint64)
    key = np.full(len(words), length, dtype=np.uint64) * _ODD
    for place in range(words.shape[1]):
        key ^= words[:, place]
        key *= _OTHER
        key ^= key >> _SHIFT
        key *= _ODD
        key ^= key >> _SHIFT
    return key
