"""Repeated rows: rows of one part that equal, or nearly equal, a row of another by more than chance explains.

In a table of few coarse columns strangers are alike; a copy is alike in what is rare. Two rows agree by so many bits:
per column, minus the binary logarithm of the share of rows that lie at least as near. A row repeats another when its
nearest agrees by 12 bits more than the next one does (10, when it is the same in every column): chance gives the best
of many strangers such a lead about once in 4,000 (1,000) times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.spread import spread

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]
Hashes = NDArray[np.uint64]

LEAD_BITS = 12.0
EXACT_LEAD_BITS = 10.0
SAME_BITS = 1e-3
CLOSE_SHARE = 0.9
BINS = 64
MOST_JUDGED = 500
STRANGERS = 1_000
REFERENCE_ROWS = 40_000
BANDS = 12
SEED = 20_111_123
SIEVE = np.uint64(0xFFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Of the judged rows: which have a twin in every column, and which a near one, by more than chance explains."""

    exact: Flags
    near: Flags


def find_repeats(frame: pd.DataFrame, *, learned: Flags, evaluated: Flags) -> Repeats:
    """Judge at most 500 evenly spaced evaluated rows against all learned ones; both are masks of shape (n,).

    A near twin lies close in nine of ten columns, whatever the others hold. Candidates are rows that agree in all
    columns but one, or in one of twelve fixed choices of a third of them, with numbers cut into 64 bins at two offsets;
    so the cost grows with the rows times the columns, and not with the pairs.
    """
    judged = np.flatnonzero(evaluated)[spread(int(evaluated.sum()), MOST_JUDGED)]
    pool = np.flatnonzero(learned)
    columns = [_column(frame[name], pool) for name in frame.columns]
    candidates = _candidates(columns, judged, pool)
    strangers = pool[spread(pool.size, STRANGERS)]
    handicap = float(np.log2(pool.size / strangers.size))
    needed = np.unique(np.concatenate([judged, strangers, candidates[candidates >= 0]]))
    located = _located(columns, needed)
    rest = located.at(np.searchsorted(needed, strangers))
    exact, near = np.zeros(judged.size, dtype=np.bool_), np.zeros(judged.size, dtype=np.bool_)
    for place in np.flatnonzero((candidates >= 0).any(axis=1)):
        row = located.at(np.searchsorted(needed, judged[[place]]))
        others = located.at(np.searchsorted(needed, np.unique(candidates[place][candidates[place] >= 0])))
        bits, next_best = _agreement(row, others), _agreement(row, rest)
        twin = others.at(np.array([bits.argmax()]))
        next_best = next_best[next_best < bits.max() - SAME_BITS]
        lead = float(bits.max() - next_best.max()) - handicap if next_best.size else 0.0
        same = row.values == twin.values
        close = same | (row.ordered & (np.abs(row.place - twin.place) < 1 / BINS))
        near[place] = lead > LEAD_BITS and close.mean() >= CLOSE_SHARE
        exact[place] = lead > EXACT_LEAD_BITS and same.all()
    return Repeats(exact=exact, near=near)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column as numbers, the learned rows' values in order, and two ways to cut it into bins."""

    values: Floats
    reference: Floats
    cuts: tuple[Codes, Codes]
    ordered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Located:
    """Some rows, shape (columns, rows): values, places among the learned rows (0..1), shares of rows equal to them."""

    values: Floats
    place: Floats
    share: Floats
    ordered: Flags

    def at(self, places: Codes) -> _Located:
        """Return some of the rows."""
        return _Located(
            values=self.values[:, places],
            place=self.place[:, places],
            share=self.share[:, places],
            ordered=self.ordered,
        )


def _column(series: pd.Series, pool: Codes) -> _Column:
    ordered = series.dtype.kind in "biufM"
    values = _numbers(series, ordered=ordered)
    reference = np.sort(values[pool[spread(pool.size, REFERENCE_ROWS)]])
    cuts = _cuts(values, reference) if ordered else (values.astype(np.intp),) * 2
    return _Column(values=values, reference=reference, cuts=cuts, ordered=ordered)


def _located(columns: Sequence[_Column], rows: Codes) -> _Located:
    values = np.stack([column.values[rows] for column in columns])
    found = [_within(column.reference, own) for column, own in zip(columns, values, strict=True)]
    places, shares = zip(*found, strict=True)
    ordered = np.array([[column.ordered] for column in columns])
    return _Located(values=values, place=np.stack(places), share=np.stack(shares), ordered=ordered)


def _within(reference: Floats, values: Floats) -> tuple[Floats, Floats]:
    low, high = (np.searchsorted(reference, values, side=side) for side in ("left", "right"))
    return (low + high) / (2 * reference.size), np.maximum(high - low, 1) / reference.size


def _agreement(row: _Located, others: _Located) -> Floats:
    """Return by how many bits each of the other rows agrees with the one."""
    same = row.values == others.values
    as_near = np.where(same, row.share, 2 * np.abs(others.place - row.place) + np.minimum(others.share, row.share))
    bits: Floats = -np.log2(np.minimum(as_near, 1.0))
    found: Floats = np.where(row.ordered | same, bits, 0.0).sum(axis=0)
    return found


def _cuts(values: Floats, reference: Floats) -> tuple[Codes, Codes]:
    """Cut at every second of the half bins' edges, at the even and at the odd ones; few values stay as they are."""
    distinct = _distinct(reference)
    if distinct.size <= BINS:
        return (np.searchsorted(distinct, values),) * 2
    edges = _distinct(reference[np.arange(1, 2 * BINS) * reference.size // (2 * BINS)])
    half = np.searchsorted(edges, values, side="right")
    return half // 2, (half + 1) // 2


def _distinct(ascending: Floats) -> Floats:
    first: Flags = np.append(True, ascending[1:] != ascending[:-1])
    return ascending[first]


def _numbers(series: pd.Series, *, ordered: bool) -> Floats:
    """Return the values as finite-or-infinite numbers: times in microseconds, levels as codes, missing as the least."""
    if not ordered:
        return series.factorize()[0].astype(np.float64)
    if series.dtype.kind == "M":
        times = series.to_numpy(dtype="datetime64[us]").astype(np.float64)
        return np.where(series.isna().to_numpy(), -np.inf, times)
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), -np.inf, values)


def _candidates(columns: Sequence[_Column], judged: Codes, pool: Codes) -> Codes:
    """Return for each judged row, shape (rows, looks), a learned row with the same key in each look, or -1."""
    found = []
    for key in _keys(columns):
        wanted, own = np.unique(key[judged], return_inverse=True)
        likely = pool[_sieve(wanted)[key[pool] & SIEVE]]
        places = np.minimum(np.searchsorted(wanted, key[likely]), wanted.size - 1)
        hits = wanted[places] == key[likely]
        rows = np.full(wanted.size, -1, dtype=np.intp)
        rows[places[hits]] = likely[hits]
        found.append(rows[own])
    return np.column_stack(found)


def _sieve(wanted: Hashes) -> Flags:
    """Say of each ending of a key whether any wanted one has it, so that few keys have to be looked up."""
    found = np.zeros(int(SIEVE) + 1, dtype=np.bool_)
    found[wanted & SIEVE] = True
    return found


def _keys(columns: Sequence[_Column]) -> Iterator[Hashes]:
    rng = np.random.default_rng(SEED)
    for cut in (0, 1):
        hashed = [_hashed(column.cuts[cut], rng) for column in columns]
        total = np.sum(hashed, axis=0, dtype=np.uint64)
        yield from (total - own for own in hashed)
        for _ in range(BANDS // 2):
            some = rng.choice(len(columns), max(len(columns) // 3, 1), replace=False)
            yield np.sum([hashed[place] for place in some], axis=0, dtype=np.uint64)


def _hashed(codes: Codes, rng: np.random.Generator) -> Hashes:
    least = int(codes.min())
    table = rng.integers(0, 2**64, int(codes.max()) - least + 1, dtype=np.uint64)
    return table[codes - least]
