"""Group thresholds: own thresholds per group that select groups alike and change the fewest decisions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import Unavailable
from ml_platform.stages.threshold import choose_threshold
from ml_platform.stages.threshold_rule import SelectedShare

Floats = NDArray[np.float64]
Groups = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupThresholds:
    """The score from which a decision is positive: of the groups named here their own, of all others the common one."""

    common: float
    own: Mapping[str, float]

    def decide(self, score: Floats, group: Groups) -> NDArray[np.bool_]:
        """Return the decisions, shape (n,)."""
        thresholds = np.full(score.size, self.common)
        for name, value in self.own.items():
            thresholds[group == name] = value
        return score >= thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Groups of rows, shape (n,), none of which may have less than `limit` times another's share selected."""

    groups: Groups
    limit: float


def choose_group_thresholds(
    score: Floats,
    cells: Groups,
    alike: Sequence[Alike],
    *,
    common: float,
    same_number: bool,
) -> GroupThresholds:
    """Return the thresholds under which no group has less than the limit times another's share of positive decisions.

    `cells` names the rows' finest groups, shape (n,), which get a threshold each; `alike` says which groups of these
    are to be selected alike. Of all such thresholds they are those that change the fewest decisions of the `common` one
    (a linear programme in the cells' shares); with `same_number` as many rows are selected as before. Raises
    Unavailable when the solver fails.
    """
    names = sorted({str(name) for name in cells})
    members = np.array([cells == name for name in names], dtype=np.float64)
    sizes, before = members.sum(axis=1), members @ (score >= common)
    wanted = _counts(members, sizes, before, alike, same_number=same_number)
    own = {}
    for name, size, was, selected in zip(names, sizes, before, wanted, strict=True):
        if selected != was:
            own[name] = _threshold(score[cells == name], selected / size)
    return GroupThresholds(common=common, own=own)


def _counts(members: Floats, sizes: Floats, before: Floats, alike: Sequence[Alike], *, same_number: bool) -> Floats:
    """Return how many rows of each cell are selected; variables: rows more and rows fewer, of each cell."""
    from scipy.optimize import linprog

    rates = [rate for one in alike for rate in _pairs(members, one.groups, one.limit)]
    if not rates:
        return before
    less, total = np.array(rates), np.ones(sizes.size)
    found = linprog(
        np.ones(2 * sizes.size),
        A_ub=np.hstack([less, -less]),
        b_ub=-less @ before,
        A_eq=np.hstack([total, -total])[None] if same_number else None,
        b_eq=np.zeros(1) if same_number else None,
        bounds=[*((0, most) for most in sizes - before), *((0, most) for most in before)],
        method="highs",
    )
    if found.x is None:
        raise Unavailable(f"thresholds of groups: the solver said {found.message!r}; it needs a solution; report it")
    more, fewer = np.split(found.x, 2)
    counts: Floats = np.clip(np.round(before + more - fewer), 0, sizes)
    return counts


def _pairs(members: Floats, groups: Groups, limit: float) -> Iterator[Floats]:
    """Yield, per ordered pair of groups, what `limit` times the one's share is above the other's, per row of a cell."""
    shares = [members @ (groups == name) / members.sum(axis=1) / (groups == name).sum() for name in set(groups)]
    yield from (limit * most - least for most, least in itertools.permutations(shares, 2))


def _threshold(score: Floats, share: float) -> float:
    if share == 0:
        return float(np.nextafter(score.max(), np.inf))
    return choose_threshold(score, score, SelectedShare(share)).value
