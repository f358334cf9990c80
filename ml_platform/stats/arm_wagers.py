"""Arm wagers: the two games that tell a challenger from a champion when each request goes to one of them by lot."""

from __future__ import annotations

import numpy as np

from ml_platform.stats.capital import Wager, before
from ml_platform.stats.columns import Flags, Floats

PRIOR_SQUARE, PRIOR_ROWS = 1.0, 4.0  # before any row was seen, values vary as much as values in [0, 1] can


def arm_gains(values: Floats, usual: Floats, challenger: Flags, weight: Floats) -> Floats:
    """Return what each row says of the challenger's mean minus the champion's; on average it says the truth.

    `values` lie in [0, 1], shape (..., n), `usual` is what was expected of each row before it came, `weight` the chance
    with which it went to the challenger.

    >>> arm_gains(np.array([1.0, 0.0]), np.array([0.0, 0.5]), np.array([True, False]), np.array([0.5, 0.5])).tolist()
    [2.0, 1.0]
    """
    return np.where(challenger, 1 / weight, -1 / (1 - weight)) * (values - usual)


def usual_of(values: Floats) -> Floats:
    """Return the mean of the rows before each one, shape (..., n), drawn a little to 0.

    >>> usual_of(np.array([1.0, 1.0, 0.0])).round(2).tolist()
    [0.0, 0.5, 0.67]
    """
    return before(values) / (1 + np.arange(values.shape[-1]))


def worse_by_lot(values: Floats, challenger: Flags, weight: Floats, *, aim: Floats) -> Wager:
    """Return the game against "the challenger isn't worse", of values in [0, 1] of which larger ones are worse.

    `aim`, told by the rows before, is the difference that is bet on. Each row is compared with what was usual before it
    and weighed by the chance of its arm: that is fair while the traffic changes, and for two proportions it is the bet
    that grows fastest. Sources: Turner, Ly and Grünwald 2024, J. Stat. Plan. Inference 230 (two proportions);
    Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro 2024, ACM/IMS J. Data Sci. 1 (chances as weights).

    >>> worse_by_lot(np.ones(2), np.array([True, False]), np.full(2, 0.5), aim=np.full(2, 0.1)).gains.tolist()
    [2.0, -1.0]
    """
    usual = usual_of(values)
    return Wager(
        gains=arm_gains(values, usual, challenger, weight),
        bets=aim / (_square(values, usual) * (1 / weight + 1 / (1 - weight)) + np.square(aim)),
        floors=np.maximum(usual / weight, (1 - usual) / (1 - weight)),
    )


def within_by_lot(values: Floats, challenger: Flags, weight: Floats, *, aim: Floats, spared: float = 0.0) -> Wager:
    """Return the game against "the challenger is worse by `spared` or more", which is won by `aim` if it isn't worse.

    >>> game = within_by_lot(np.ones(2), np.array([True, False]), np.full(2, 0.5), aim=np.full(2, 0.1), spared=0.1)
    >>> game.gains.round(2).tolist()
    [-1.9, 1.1]
    """
    usual = usual_of(values)
    square = _square(values, usual)
    return Wager(
        gains=spared - arm_gains(values, usual, challenger, weight),
        bets=aim / ((square + aim) / weight + square / (1 - weight)),
        floors=np.maximum((1 - usual) / weight, usual / (1 - weight)),
    )


def duel_by_lot(
    values: Floats, challenger: Flags, weight: Floats, *, margin: float, relative: bool = False
) -> tuple[Wager, Wager]:
    """Return both games for one margin: a difference of the means, or a part of the champion's mean.

    >>> worse, within = duel_by_lot(np.ones(2), np.array([True, False]), np.full(2, 0.5), margin=0.1)
    >>> worse.gains.tolist(), within.gains.round(2).tolist()
    ([2.0, -1.0], [-1.9, 1.1])
    """
    if not relative:
        aim = np.full(values.shape, margin)
        return (
            worse_by_lot(values, challenger, weight, aim=aim),
            within_by_lot(values, challenger, weight, aim=aim, spared=margin),
        )
    part = margin * usual_of(values)
    eased = np.where(challenger, values / (1 + margin), values)
    return (
        worse_by_lot(values, challenger, weight, aim=part),
        within_by_lot(eased, challenger, weight, aim=part / (1 + margin)),
    )


def _square(values: Floats, usual: Floats) -> Floats:
    """Return how much the rows before each one varied, shape (..., n)."""
    return (PRIOR_SQUARE + before(np.square(values - usual))) / (PRIOR_ROWS + np.arange(values.shape[-1]))
