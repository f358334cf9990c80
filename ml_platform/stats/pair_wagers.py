"""Pair wagers: the two games that tell a challenger from a champion when both answer the same requests."""

from __future__ import annotations

import numpy as np

from ml_platform.stats.arm_wagers import usual_of
from ml_platform.stats.capital import Wager, before
from ml_platform.stats.columns import Floats


def worse_of_pairs(challenger: Floats, champion: Floats, *, aim: Floats) -> Wager:
    """Return the game against "the challenger isn't worse", of values in [0, 1] of which larger ones are worse.

    All are of shape (..., n); `aim`, told by the rows before, is the difference that is bet on.

    >>> worse_of_pairs(np.ones(2), np.array([0.0, 1.0]), aim=np.full(2, 0.1)).gains.tolist()
    [1.0, 0.0]
    """
    gains = challenger - champion
    return Wager(gains=gains, bets=aim / (_square(gains) + np.square(aim)), floors=np.ones(gains.shape))


def within_pairs(challenger: Floats, champion: Floats, *, aim: Floats, spared: float = 0.0) -> Wager:
    """Return the game against "the challenger is worse by `spared` or more", which is won by `aim` if it isn't worse.

    >>> within_pairs(np.ones(2), np.array([0.0, 1.0]), aim=np.full(2, 0.1), spared=0.1).gains.round(2).tolist()
    [-0.9, 0.1]
    """
    worse = challenger - champion
    return Wager(gains=spared - worse, bets=aim / (_square(worse) + aim), floors=np.ones(worse.shape))


def duel_of_pairs(
    challenger: Floats, champion: Floats, *, margin: float, relative: bool = False
) -> tuple[Wager, Wager]:
    """Return both games for one margin: a difference of the means, or a part of the champion's mean.

    >>> worse, within = duel_of_pairs(np.ones(2), np.array([0.0, 1.0]), margin=0.1)
    >>> worse.gains.tolist(), within.gains.round(2).tolist()
    ([1.0, 0.0], [-0.9, 0.1])
    """
    if not relative:
        aim = np.full(champion.shape, margin)
        return (
            worse_of_pairs(challenger, champion, aim=aim),
            within_pairs(challenger, champion, aim=aim, spared=margin),
        )
    part = margin * usual_of(champion)
    return (
        worse_of_pairs(challenger, champion, aim=part),
        within_pairs(challenger / (1 + margin), champion, aim=part / (1 + margin)),
    )


def _square(differences: Floats) -> Floats:
    """Return the mean square of the rows before each one, beginning with the most it can be."""
    return (1 + before(np.square(differences))) / (1 + np.arange(differences.shape[-1]))
