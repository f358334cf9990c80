"""Shift duel: does a challenger spread its values otherwise than the champion, at some quantile, up or down."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.arm_difference import arm_difference
from ml_platform.stats.arm_wagers import duel_by_lot
from ml_platform.stats.by_lot import by_lot, mean_gain_of
from ml_platform.stats.capital import log_capital
from ml_platform.stats.columns import Floats, flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.duel import check_margin, evidence_facts
from ml_platform.stats.pair_difference import pair_difference
from ml_platform.stats.pair_wagers import duel_of_pairs
from ml_platform.stats.running_threshold import FIRST, running_threshold
from ml_platform.stats.tail_duel import TOO_FEW, UNIT, flaw_of_past

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Fact
    from ml_platform.stats.capital import Wager

QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)


def shift_by_lot(
    values: ArrayLike,
    challenger: ArrayLike,
    weight: ArrayLike,
    *,
    margin: float,
    past: ArrayLike = (),
    metric: str = "shift",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the difference of the shares above that of five running quantiles of the champion where it is largest.

    All are of shape (n,), as for `arm_difference`, `past` as for `tail_by_lot`; `margin` is a difference of shares.
    That the challenger's values are spread otherwise is said by the mean of what ten games won (five quantiles, up and
    down), and that no quantile is off by the margin by the one that won least. The interval covers the choice among
    the quantiles. Facts: those of `arm_difference`, and the quantile. Undefined as `tail_by_lot`. Sources: Howard and
    Ramdas 2022, Bernoulli 28 (quantiles); Vovk and Wang 2021, Ann. Stat. 49 (means of evidence).

    >>> ours = np.arange(4000) % 4 == 0
    >>> scores = np.random.default_rng(1).random(4000) * np.where(ours, 0.7, 1)
    >>> found = shift_by_lot(scores, ours, np.full(4000, 0.25), margin=0.1)
    >>> found.facts["quantile"], found.facts["p_worse"] < 0.001
    (0.7, True)
    """
    check_margin(margin, confidence)
    every, earlier = by_lot(values, challenger, weight), numbers(past, "past")
    flaw = every.flaw or flaw_of_past(earlier)
    if flaw:
        return Measurement(metric=metric, value=None, n=every.values.size, unit=UNIT, subject=subject, reason=flaw)
    told = [running_threshold(every.values, ~every.ours, quantile, past=earlier) for quantile in QUANTILES]
    start = int(np.isinf(told[0]).sum())
    rows = every.since(start)
    flaw = rows.flaw if rows.values.size else TOO_FEW
    if flaw:
        return Measurement(metric=metric, value=None, n=rows.values.size, unit=UNIT, subject=subject, reason=flaw)
    above = [(rows.values > each[start:]).astype(np.float64) for each in told]
    duels = (duel_by_lot(up, rows.ours, rows.weight, margin=margin) for each in above for up in (each, 1 - each))
    most = int(np.abs([mean_gain_of(each, rows) for each in above]).argmax())
    found = arm_difference(
        above[most],
        rows.ours,
        rows.weight,
        margin=margin,
        confidence=1 - (1 - confidence) / len(QUANTILES),
    )
    return _told(found, duels, most, named=(metric, subject), confidence=confidence)


def shift_of_pairs(
    challenger: ArrayLike,
    champion: ArrayLike,
    *,
    margin: float,
    past: ArrayLike = (),
    metric: str = "shift",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the same where both answered the same requests; both are of shape (n,), in the order in which they came.

    >>> scores = np.random.default_rng(1).random(2000)
    >>> found = shift_of_pairs(scores ** 2, scores, margin=0.1)
    >>> found.facts["quantile"], found.facts["p_worse"] < 0.001
    (0.3, True)
    """
    check_margin(margin, confidence)
    ours, theirs, earlier = numbers(challenger, "challenger"), numbers(champion, "champion"), numbers(past, "past")
    require_same_length(challenger=ours, champion=theirs)
    start = max(FIRST - earlier.size, 0)
    flaw = flaw_of_numbers(challenger=ours, champion=theirs) or flaw_of_past(earlier)
    flaw = flaw or ("" if theirs.size > start else TOO_FEW)
    if flaw:
        return Measurement(metric=metric, value=None, n=ours.size, unit=UNIT, subject=subject, reason=flaw)
    champions = np.ones(theirs.size, dtype=np.bool_)
    told = [running_threshold(theirs, champions, quantile, past=earlier)[start:] for quantile in QUANTILES]
    above = [tuple((side[start:] > each).astype(np.float64) for side in (ours, theirs)) for each in told]
    duels = (
        duel_of_pairs(mine, other, margin=margin)
        for one, two in above
        for mine, other in ((one, two), (1 - one, 1 - two))
    )
    most = int(np.abs([(one - two).mean() for one, two in above]).argmax())
    found = pair_difference(*above[most], margin=margin, confidence=1 - (1 - confidence) / len(QUANTILES))
    return _told(found, duels, most, named=(metric, subject), confidence=confidence)


def _told(
    found: Measurement, duels: Iterable[tuple[Wager, Wager]], most: int, *, named: tuple[str, str], confidence: float
) -> Measurement:
    together: Floats = np.full(found.n, -math.inf)
    least = math.inf
    for worse, within in duels:
        together = np.logaddexp(together, log_capital(worse))
        least = min(least, float(log_capital(within)[-1]))
    facts: dict[str, Fact] = {
        **found.facts,
        **evidence_facts(float(together.max()) - math.log(2 * len(QUANTILES)), least),
        "quantile": QUANTILES[most],
    }
    metric, subject = named
    return dataclasses.replace(found, metric=metric, unit=UNIT, confidence=confidence, subject=subject, facts=facts)
