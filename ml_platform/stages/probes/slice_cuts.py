"""Slice cuts: each feature as conditions in words: its levels, its quantiles, missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.policy.spec import PersonalData
from ml_platform.stats.histogram_edges import histogram_edges
from ml_platform.stats.slice_search import Cut

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
BINS = 10
MOST_LEVELS = 30
# Intervals of so many neighbouring bins at most; longer ones reach to an end.
LONGEST = 2
MISSING = "is missing"


@dataclass(frozen=True, slots=True)
class NamedCut:
    """A feature's cut with its conditions in words."""

    cut: Cut
    words: tuple[str, ...]


def slice_cuts(
    values: Floats,
    seen: Flags,
    names: Sequence[str],
    levels: Mapping[str, Sequence[str]],
    *,
    hidden: Collection[str],
    bins: int = BINS,
) -> Iterator[NamedCut]:
    """Yield a cut per feature; edges and frequent levels are those of the rows that were `seen`.

    `values` has the shape (n, features). A feature in `levels` is a category; the conditions of a `hidden` number say
    its quantiles, never a value. `bins` is how many equally full bins a number is cut into.
    """
    for place, name in enumerate(names):
        column, known = values[:, place], levels.get(name)
        if known is None:
            yield _number(name, histogram_edges(column[seen], bins), column, seen, hide=name in hidden)
        else:
            yield _levels(name, column, seen, known)


def hidden_features(spec: ModelSpec, lineage: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the features made of a column about persons whose values its contract doesn't state; no flag is one."""
    personal = {
        name
        for name, column in spec.contract.items()
        if column.personal_data is not PersonalData.NONE and column.type != "boolean"
    }
    return {name for name, sources in lineage.items() if personal.intersection(sources)}


def _levels(name: str, column: Floats, seen: Flags, known: Sequence[str]) -> NamedCut:
    """Cut a category by its frequent levels; those too rare to be asked about one by one are no condition."""
    present, counts = np.unique(column[seen & ~np.isnan(column)], return_counts=True)
    frequent = np.sort(present[np.argsort(-counts, kind="stable")][:MOST_LEVELS])
    rare, missing = frequent.size, frequent.size + 1
    code_of = {code: place for place, code in enumerate(frequent.tolist())}
    cells = [missing if code != code else code_of.get(code, rare) for code in column.tolist()]  # noqa: PLR0124  (NaN)
    words = [known[int(code)] if code < len(known) else f"level {int(code) + 1}" for code in frequent]
    conditions = np.delete(np.eye(missing + 1, dtype=np.bool_), rare, axis=0)
    cut = Cut(np.array(cells, dtype=np.intp), conditions)
    return NamedCut(cut, (*(f"{name} = {word}" for word in words), f"{name} {MISSING}"))


def _number(name: str, edges: Floats, column: Floats, seen: Flags, *, hide: bool) -> NamedCut:
    bins = edges.size + 1
    cells = np.where(np.isnan(column), bins, np.searchsorted(edges, column, side="right")).astype(np.intp)
    ranges = sorted(set(_ranges(bins)))
    conditions = np.zeros((len(ranges) + 1, bins + 1), dtype=np.bool_)
    for place, (low, high) in enumerate(ranges):
        conditions[place, low:high] = True
    conditions[-1, -1] = True
    own = [column[seen & (cells == place)] for place in range(bins)]
    words = [_quantiles(name, own, *one) if hide else _bounds(name, edges, own, *one) for one in ranges]
    return NamedCut(Cut(cells, conditions), (*words, f"{name} {MISSING}"))


def _ranges(bins: int) -> Iterator[tuple[int, int]]:
    """Yield which bins belong together: up to one, from one on, and a few neighbours; never all of them."""
    yield from ((0, end) for end in range(1, bins))
    yield from ((start, bins) for start in range(1, bins))
    for length in range(1, min(LONGEST, bins - 1) + 1):
        yield from ((start, start + length) for start in range(bins - length + 1))


def _bounds(name: str, edges: Floats, own: Sequence[Floats], low: int, high: int) -> str:
    """Say a condition on a number by the values at its ends, or by the only one; `own` holds those of each bin."""
    inside = np.concatenate(own[low:high])
    if inside.size and inside.min() == inside.max():
        return f"{name} = {inside[0]:.6g}"
    if low == 0:
        return f"{name} < {edges[high - 1]:.6g}"
    if high > edges.size:
        return f"{name} >= {edges[low - 1]:.6g}"
    return f"{edges[low - 1]:.6g} <= {name} < {edges[high - 1]:.6g}"


def _quantiles(name: str, own: Sequence[Floats], low: int, high: int) -> str:
    """Say a condition on a number by the rows at its ends, so that no value is told."""
    size = sum(each.size for each in own)
    start, end = (round(100 * sum(each.size for each in own[:place]) / size) for place in (low, high))
    if low == 0:
        return f"{name} in its lowest {end} %"
    if high == len(own):
        return f"{name} in its highest {100 - start} %"
    return f"{name} from its {start} % to its {end} % quantile"
