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


def arm_wagers(
    values: Floats, challenger: Flags, weight: Floats, *, margin: float, relative: bool = False
) -> tuple[Wager, Wager]:
    """Return the game against "the challenger isn't worse" and the one against "it is worse by the margin or more".

    `values` lie in [0, 1], larger ones are worse. A relative margin is a part of the champion's mean. Each row is
    compared with what was usual before it and weighed by the chance of its arm: that is fair while the traffic changes,
    and for two proportions it is the bet that grows fastest. Sources: Turner, Ly and Grünwald 2024, J. Stat. Plan.
    Inference 230 (two proportions); Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro 2024, ACM/IMS J. Data Sci. 1
    (chances as weights).

    >>> worse, within = arm_wagers(np.ones(2), np.array([True, False]), np.full(2, 0.5), margin=0.1)
    >>> worse.gains.tolist(), within.gains.round(2).tolist()
    ([2.0, -1.0], [-1.9, 1.1])
    """
    usual = usual_of(values)
    square = (PRIOR_SQUARE + before(np.square(values - usual))) / (PRIOR_ROWS + np.arange(values.shape[-1]))
    aim = margin * usual if relative else np.full(values.shape, margin)
    worse = Wager(
        gains=arm_gains(values, usual, challenger, weight),
        bets=aim / (square * (1 / weight + 1 / (1 - weight)) + np.square(aim)),
        floors=np.maximum(usual / weight, (1 - usual) / (1 - weight)),
    )
    # A margin that is a part of the mean is taken off the challenger's values, another off the difference.
    eased, spared = (np.where(challenger, values / (1 + margin), values), 0.0) if relative else (values, margin)
    within = Wager(
        gains=spared - arm_gains(eased, usual, challenger, weight),
        bets=aim / (1 + margin * relative) / ((square + aim) / weight + square / (1 - weight)),
        floors=np.maximum((1 - usual) / weight, usual / (1 - weight)),
    )
    return worse, within
