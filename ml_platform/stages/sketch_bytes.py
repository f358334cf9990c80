"""Sketch bytes: Apache DataSketches' sketches, made, joined and read as bytes, and the bytes as text.

The sizes are those at which a quantile sketch's ranks are right within 0.001, a count of distinct values within 5 %,
each in 99 of 100 cases.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid

QUANTILE_K = 2900
DISTINCT_LOG_K = 12
ROW_LOG_K = 12
ONE_SIDED = False
LONG_PREAMBLE = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """A quantile sketch as weighted values, shape (k,); `error` is how far its ranks may be off, 0..1."""

    values: Floats
    weights: Floats
    error: float


def quantiles_of(present: Floats) -> str:
    """Sketch the quantiles of numbers, none of them NaN (KLL)."""
    found = _library().kll_doubles_sketch(QUANTILE_K)
    found.update(present)
    return _text(found.serialize())


def joined_quantiles(first: str, second: str) -> str:
    """Return the quantile sketch of both."""
    found, other = (_read("kll_doubles_sketch", text) for text in (first, second))
    found.merge(other)
    return _text(found.serialize())


def read_quantiles(text: str) -> Quantiles:
    """Return what a quantile sketch holds.

    The values come from the bytes, whose layout is part of the format: the library checks them, but lists them one by
    one and, when merging left the lowest level empty, with too small weights (datasketches 5.2).
    """
    found = _read("kll_doubles_sketch", text)
    content = base64.b64decode(text)
    if content[0] == LONG_PREAMBLE:
        levels = content[18]
        starts = np.frombuffer(content, dtype="<u4", count=levels, offset=20)
        values = np.frombuffer(content, dtype="<f8", offset=20 + 4 * levels + 16)
        each = np.diff(starts, append=starts[0] + values.size)
        weights = np.repeat(2.0 ** np.arange(levels), each)
    else:
        values, weights = np.array([value for value, _ in found]), np.ones(found.n)
    error = found.normalized_rank_error(ONE_SIDED) if found.is_estimation_mode() else 0.0
    return Quantiles(values=values, weights=weights, error=float(error))


def distinct_of(values: Iterable[float | str]) -> str:
    """Sketch how many values differ (HyperLogLog); a value that comes again changes nothing."""
    library = _library()
    found = library.hll_sketch(DISTINCT_LOG_K, library.tgt_hll_type.HLL_4)
    for value in values:
        found.update(value)
    return _text(found.serialize_compact())


def joined_distinct(first: str, second: str) -> str:
    """Return the sketch of how many values of both differ."""
    library = _library()
    union = library.hll_union(DISTINCT_LOG_K)
    for text in (first, second):
        union.update(_read("hll_sketch", text))
    return _text(union.get_result(library.tgt_hll_type.HLL_4).serialize_compact())


def read_distinct(text: str) -> tuple[float, float, float]:
    """Return how many values differ, about, and bounds that hold in 95 of 100 cases."""
    found = _read("hll_sketch", text)
    return found.get_estimate(), found.get_lower_bound(2), found.get_upper_bound(2)


def rows_of(hashes: Iterable[int]) -> str:
    """Sketch a set of row hashes (theta)."""
    found = _library().update_theta_sketch(ROW_LOG_K)
    for each in hashes:
        found.update(each)
    return _text(found.compact().serialize())


def joined_rows(first: str, second: str) -> str:
    """Return the sketch of the union of both sets of rows."""
    union = _library().theta_union(ROW_LOG_K)
    for text in (first, second):
        union.update(_read("compact_theta_sketch", text))
    return _text(union.get_result().serialize())


def shared_rows(first: str, second: str) -> tuple[float, float, float]:
    """Return how many different rows both sets hold, about, and bounds that hold in 95 of 100 cases."""
    both = _library().theta_intersection()
    for text in (first, second):
        both.update(_read("compact_theta_sketch", text))
    found = both.get_result()
    return found.get_estimate(), found.get_lower_bound(2), found.get_upper_bound(2)


def different_rows(text: str) -> float:
    """Return how many different rows a set holds, about."""
    return float(_read("compact_theta_sketch", text).get_estimate())


def _library() -> Any:  # noqa: ANN401  (the library ships no types)
    import datasketches

    return datasketches


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _read(kind: str, text: str) -> Any:  # noqa: ANN401  (the library ships no types)
    try:
        return getattr(_library(), kind).deserialize(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RuntimeError, IndexError) as error:
        message = (
            f"a sketch of the kind {kind} can't be read ({error}); the text that was stored is needed; "
            "sketch the table again"
        )
        raise DataInvalid(message) from error
