"""Pair difference: is a challenger worse than the champion, both answering the same requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.bet_interval import bet_interval
from ml_platform.stats.columns import numbers, require_same_length
from ml_platform.stats.duel import check_margin, duel_facts
from ml_platform.stats.mean_sequence import flaw_of_bounded
from ml_platform.stats.pair_wagers import duel_of_pairs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "pair_difference"


def pair_difference(
    challenger: ArrayLike,
    champion: ArrayLike,
    *,
    margin: float,
    relative: bool = False,
    metric: str = METRIC,
    unit: str = "",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the challenger's mean minus the champion's on the same rows, of values in [0, 1]; larger ones are worse.

    Both are of shape (n,), in the order in which they came. Interval and evidence hold at all looks together. `margin`
    is the difference that matters, above 0; with `relative` it is a part of the champion's mean. The facts of
    `duel_facts` say what is proven; further facts: challenger, champion (means). Undefined without rows and with values
    outside [0, 1]. ValueError when lengths differ. Source: Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86.

    >>> found = pair_difference(np.ones(200), np.arange(200) % 2, margin=0.1)
    >>> found.value, found.facts["p_worse"] < 0.001
    (0.5, True)
    """
    check_margin(margin, confidence)
    ours, theirs = numbers(challenger, "challenger"), numbers(champion, "champion")
    require_same_length(challenger=ours, champion=theirs)
    flaw = flaw_of_bounded(ours, name="challenger") or flaw_of_bounded(theirs, name="champion")
    if flaw:
        return Measurement(metric=metric, value=None, n=ours.size, unit=unit, subject=subject, reason=flaw)
    ends = -np.ones(ours.size), np.ones(ours.size)
    low, high = bet_interval(ours - theirs, least=ends[0], greatest=ends[1], ends=(-1.0, 1.0), confidence=confidence)
    return Measurement(
        metric=metric,
        value=float((ours - theirs).mean()),
        n=ours.size,
        low=low,
        high=high,
        confidence=confidence,
        unit=unit,
        subject=subject,
        facts={
            **duel_facts(*duel_of_pairs(ours, theirs, margin=margin, relative=relative)),
            "challenger": float(ours.mean()),
            "champion": float(theirs.mean()),
        },
    )
