"""Arm difference: is a challenger worse than the champion, each request going to one of them by lot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.arm_wagers import duel_by_lot
from ml_platform.stats.by_lot import arm_means, by_lot, lot_interval, mean_gain_of
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
    outside [0, 1] and weights outside (0, 1). ValueError when lengths differ. Sources: those of
    `worse_by_lot` and `bet_interval`.

    >>> import numpy as np
    >>> worse = np.arange(400) % 4 == 0
    >>> found = arm_difference(np.where(worse, 1.0, 0.0), worse, np.full(400, 0.25), margin=0.1)
    >>> found.facts["p_worse"] < 0.001
    True
    """
    check_margin(margin, confidence)
    rows = by_lot(values, challenger, weight)
    flaw = rows.flaw or flaw_of_bounded(rows.values)
    if flaw:
        return Measurement(metric=metric, value=None, n=rows.values.size, unit=unit, subject=subject, reason=flaw)
    low, high = lot_interval(rows.values, rows, confidence)
    return Measurement(
        metric=metric,
        value=mean_gain_of(rows.values, rows),
        n=rows.values.size,
        low=low,
        high=high,
        confidence=confidence,
        unit=unit,
        subject=subject,
        facts={
            **duel_facts(*duel_by_lot(rows.values, rows.ours, rows.weight, margin=margin, relative=relative)),
            **arm_means(rows.values, rows),
        },
    )
