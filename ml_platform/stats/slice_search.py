"""Slice search: the slices of one or two conditions in which losses are largest, found by looking at every pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ml_platform.stats.columns import Codes, Flags, Floats

# Standard errors taken off a slice's mean loss, so that few rows with much luck don't come first.
CAUTION = 3.0
# Cuts beyond these are looked at alone, not in pairs: the number of pairs grows with the square.
MOST_PAIRED = 30
# Two slices say the same when more than this of the smaller one's rows are in the other.
ALIKE = 0.5
MOST_COMPARED = 2000
# Losses that are larger by less differ by rounding only.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Cut:
    """A column cut into cells: each row's cell, shape (n,), and conditions as sets of cells, (conditions, cells)."""

    cells: Codes
    conditions: Flags

    @property
    def size(self) -> int:
        """The number of cells."""
        return int(self.conditions.shape[1])

    def rows(self, condition: int) -> Flags:
        """Return which rows meet a condition, shape (n,)."""
        found: Flags = self.conditions[condition][self.cells]
        return found


Conditions = tuple[tuple[int, int], ...]  # each the number of a cut and that of one of its conditions


def rows_of(cuts: Sequence[Cut], conditions: Conditions) -> Flags:
    """Return which rows meet all conditions, shape (n,).

    >>> cut = Cut(np.array([0, 1, 1]), np.eye(2, dtype=bool))
    >>> rows_of([cut], ((0, 1),)).tolist()
    [False, True, True]
    """
    found: Flags = np.all([cuts[cut].rows(condition) for cut, condition in conditions], axis=0)
    return found


def slice_search(losses: Floats, cuts: Sequence[Cut], *, fewest: int, most: int = 10) -> tuple[Conditions, ...]:
    """Return at most `most` slices of `fewest` rows or more, at most half, whose losses are larger than elsewhere.

    `losses` are finite, shape (n,). The weakest slice comes first: it is ranked by its mean loss less three standard
    errors, over the mean loss of all other rows. One of two conditions is taken only if it is surely worse than each
    of them alone, and none that shares more than half of its rows, or of the other's, with one before it. What is found
    is a guess: it was looked for, so that only other rows can test it. Source: Chung et al. 2019, Slice Finder, ICDE.

    >>> cut = Cut(np.arange(40) % 4, np.eye(4, dtype=bool))
    >>> slice_search(np.where(cut.cells == 2, 2.0, 1.0), [cut], fewest=5)
    (((0, 2),),)
    """
    rows = _Rows(losses, fewest)
    single = [rows.ranked(*(cut.conditions @ sums for sums in rows.sums(cut.cells, cut.size))) for cut in cuts]
    found: list[tuple[float, Conditions]] = [
        (float(ranked.score[one]), ((place, int(one)),))
        for place, ranked in enumerate(single)
        for one in np.flatnonzero(ranked.score > ROUNDING)
    ]
    weakest = sorted(range(len(cuts)), key=lambda place: -single[place].top)[:MOST_PAIRED]
    for first, second in combinations(sorted(weakest), 2):
        for score, one, other in _pairs(rows, (cuts[first], cuts[second]), (single[first], single[second])):
            found.append((score, ((first, one), (second, other))))
    found.sort(key=lambda each: (-round(each[0], 9), len(each[1]), each[1]))
    return tuple(_different(cuts, [conditions for _, conditions in found[:MOST_COMPARED]], most))


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The mean loss of each condition, the mean less some standard errors, and that over the others' mean, minus 1."""

    mean: Floats
    low: Floats
    score: Floats

    @property
    def top(self) -> float:
        return float(self.score.max(initial=-np.inf))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows' losses, and how many rows make a slice."""

    losses: Floats
    fewest: int

    def sums(self, cells: Codes, size: int) -> tuple[Floats, Floats, Floats]:
        """Return the number of rows of each cell, the sum of their losses and of their squares."""
        weighed = (np.ones(self.losses.size), self.losses, self.losses**2)
        count, total, squares = (
            np.bincount(cells, weights=each, minlength=size).astype(np.float64) for each in weighed
        )
        return count, total, squares

    def ranked(self, count: Floats, total: Floats, squares: Floats) -> _Ranked:
        """Rank conditions by their rows' sums; those of too few or too many rows come last."""
        rows, losses = self.losses.size, float(self.losses.sum())
        usable = (count >= self.fewest) & (count <= rows / 2)
        mean = np.divide(total, count, out=np.zeros_like(total), where=usable)
        variance = np.divide(squares, count, out=np.zeros_like(total), where=usable) - mean**2
        low = mean - CAUTION * np.sqrt(np.maximum(variance, 0.0) / np.maximum(count, 1.0))
        others = np.divide(losses - total, rows - count, out=np.zeros_like(total), where=usable)
        score = np.divide(low, others, out=np.zeros_like(total), where=others > 0) - 1
        return _Ranked(mean, low, score)


def _pairs(rows: _Rows, cuts: tuple[Cut, Cut], single: tuple[_Ranked, _Ranked]) -> Iterator[tuple[float, int, int]]:
    """Yield the pairs of conditions that are surely worse than each alone, each with its score."""
    one, other = cuts
    sums = rows.sums(one.cells * other.size + other.cells, one.size * other.size)
    tables = (one.conditions @ each.reshape(one.size, other.size) @ other.conditions.T for each in sums)
    ranked = rows.ranked(*tables)
    # A slice that holds all rows of one of its conditions isn't surely worse than that condition, and falls out here.
    worse = (ranked.score > ROUNDING) & (ranked.low > single[0].mean[:, None]) & (ranked.low > single[1].mean[None, :])
    yield from ((float(ranked.score[i, j]), i, j) for i, j in np.argwhere(worse).tolist())


def _different(cuts: Sequence[Cut], found: Sequence[Conditions], most: int) -> Iterator[Conditions]:
    """Yield slices in their order, but none that mostly overlaps with one before it."""
    chosen: list[Flags] = []
    for conditions in found:
        rows = rows_of(cuts, conditions)
        if all((rows & other).sum() <= ALIKE * min(rows.sum(), other.sum()) for other in chosen):
            chosen.append(rows)
            yield conditions
        if len(chosen) == most:
            return
