"""Arm difference: is a challenger worse than the champion, each request going to one of them by lot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.arm_wagers import arm_gains, arm_wagers, usual_of
from ml_platform.stats.bet_interval import bet_interval
from ml_platform.stats.columns import Floats, flaw_of_flags, flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.duel import check_margin, duel_facts
from ml_platform.stats.mean_sequence import flaw_of_bounded

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "arm_difference"


def arm_difference(
    values: ArrayLike,
    challenger: ArrayLike,
    weight: ArrayLike,
    *,
    margin: float,
    relative: bool = False,
    metric: str = METRIC,
    unit: str = "",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the challenger's mean minus the champion's, of values in [0, 1] of which larger ones are worse.

    All are of shape (n,), in the order in which they came: `challenger` is 1 for a row that the challenger answered,
    `weight` the chance, known beforehand and above 0 and below 1, with which it was sent there. Interval and evidence
    hold at all looks together, for streams of any size, also while the traffic changes, but not when one chooses the
    arm by what the request is like: check it with `sample_ratio`. `margin` is the difference that matters, above 0;
    with `relative` it is a part of the champion's mean. The facts of `duel_facts` say what is proven; further facts:
    challenger, champion (means), challenger_rows, champion_rows. Undefined without rows of both arms, with values
    outside [0, 1] and weights outside (0, 1). ValueError when lengths differ. Sources: as `arm_wagers`, `bet_interval`.

    >>> worse = np.arange(400) % 4 == 0
    >>> found = arm_difference(np.where(worse, 1.0, 0.0), worse, np.full(400, 0.25), margin=0.1)
    >>> found.facts["p_worse"] < 0.001
    True
    """
    check_margin(margin, confidence)
    column, arm, chance = numbers(values, "values"), numbers(challenger, "challenger"), numbers(weight, "weight")
    require_same_length(values=column, challenger=arm, weight=chance)
    flaw = flaw_of_bounded(column) or flaw_of_flags(challenger=arm) or _flaw_of_chances(chance) or _lack(arm)
    if flaw:
        return Measurement(metric=metric, value=None, n=column.size, unit=unit, subject=subject, reason=flaw)
    ours, usual = arm == 1, usual_of(column)
    gains = arm_gains(column, usual, ours, chance)
    low, high = bet_interval(
        gains,
        ends=(-1.0, 1.0),
        least=-np.maximum(usual / chance, (1 - usual) / (1 - chance)),
        greatest=np.maximum((1 - usual) / chance, usual / (1 - chance)),
        confidence=confidence,
    )
    return Measurement(
        metric=metric,
        value=float(gains.mean()),
        n=column.size,
        low=low,
        high=high,
        confidence=confidence,
        unit=unit,
        subject=subject,
        facts={
            **duel_facts(*arm_wagers(column, ours, chance, margin=margin, relative=relative)),
            "challenger": float(column[ours].mean()),
            "champion": float(column[~ours].mean()),
            "challenger_rows": int(ours.sum()),
            "champion_rows": int((~ours).sum()),
        },
    )


def _flaw_of_chances(weight: Floats) -> str:
    bad = int(((weight <= 0) | (weight >= 1)).sum())
    return flaw_of_numbers(weight=weight) or (f"{bad} of {weight.size} weights are no chances" if bad else "")


def _lack(arm: Floats) -> str:
    return "" if 0 < arm.sum() < arm.size else f"no rows of the {'champion' if arm.any() else 'challenger'}"
