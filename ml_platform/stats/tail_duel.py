"""Tail duel: is a challenger's tail, as that of latencies, longer than the champion's by a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.arm_wagers import within_by_lot, worse_by_lot
from ml_platform.stats.bet_interval import bet_interval
from ml_platform.stats.by_lot import ByLot, arm_means, by_lot, lot_interval, mean_gain_of
from ml_platform.stats.capital import Wager
from ml_platform.stats.columns import Flags, Floats, flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.duel import check_margin, duel_facts
from ml_platform.stats.pair_wagers import within_pairs, worse_of_pairs
from ml_platform.stats.running_threshold import FIRST, NONE, retold, running_threshold

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

UNIT = "share"
TOO_FEW = f"fewer than {FIRST} rows of the champion to tell its quantiles"
LEAST_AIM = 1e-3


def tail_by_lot(
    values: ArrayLike,
    challenger: ArrayLike,
    weight: ArrayLike,
    *,
    quantile: float,
    margin: float,
    past: ArrayLike = (),
    metric: str = "tail",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return which share of the challenger's rows exceeds a quantile of the champion's, minus the champion's own share.

    The quantile is a running one: the values don't need bounds. All are of shape (n,), as for `arm_difference`; `past`
    are values of the champion from before, that tell its quantiles from the first row on.
    `margin` is a part of the value: that the challenger is worse by it means that its values divided by 1 + margin
    exceed the quantile as often as the champion's. The facts of `duel_facts` say what is proven; further facts:
    challenger, champion (shares), challenger_rows, champion_rows, quantile_challenger, quantile_champion. Undefined as
    `arm_difference`, and without 100 rows of the
    champion, the past ones included. Source: Howard and Ramdas 2022, Bernoulli 28.

    >>> ours = np.arange(2000) % 4 == 0
    >>> times = np.random.default_rng(1).exponential(size=2000) * np.where(ours, 2, 1)
    >>> found = tail_by_lot(times, ours, np.full(2000, 0.25), quantile=0.95, margin=0.5)
    >>> round(found.value, 2), found.facts["p_worse"] < 0.001
    (0.17, True)
    """
    check_margin(margin, confidence)
    every, earlier = by_lot(values, challenger, weight), numbers(past, "past")
    flaw = every.flaw or flaw_of_past(earlier)
    if flaw:
        return Measurement(metric=metric, value=None, n=every.values.size, unit=UNIT, subject=subject, reason=flaw)
    tail = running_tail(every.values, ~every.ours, quantile, margin, past=earlier)
    start = int(np.isinf(tail.threshold).sum())
    rows, tail = every.since(start), tail.since(start)
    flaw = rows.flaw if rows.values.size else TOO_FEW
    if flaw:
        return Measurement(metric=metric, value=None, n=rows.values.size, unit=UNIT, subject=subject, reason=flaw)
    slow = (rows.values > tail.threshold).astype(np.float64)
    low, high = lot_interval(slow, rows, confidence)
    return Measurement(
        metric=metric,
        value=mean_gain_of(slow, rows),
        n=slow.size,
        low=low,
        high=high,
        confidence=confidence,
        unit=UNIT,
        subject=subject,
        facts={
            **duel_facts(*tail_by_lot_wagers(rows, tail, margin)),
            **arm_means(slow, rows),
            "quantile_challenger": float(np.quantile(rows.values[rows.ours], quantile)),
            "quantile_champion": float(np.quantile(rows.values[~rows.ours], quantile)),
        },
    )


def tail_of_pairs(
    challenger: ArrayLike,
    champion: ArrayLike,
    *,
    quantile: float,
    margin: float,
    past: ArrayLike = (),
    metric: str = "tail",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the same where both answered the same requests; both are of shape (n,), in the order in which they came.

    >>> rng = np.random.default_rng(1)
    >>> found = tail_of_pairs(rng.exponential(size=2000), rng.exponential(size=2000), quantile=0.95, margin=0.5)
    >>> round(found.value, 2), found.facts["p_within"] < 0.001
    (-0.01, True)
    """
    check_margin(margin, confidence)
    ours, theirs, earlier = numbers(challenger, "challenger"), numbers(champion, "champion"), numbers(past, "past")
    require_same_length(challenger=ours, champion=theirs)
    start = max(FIRST - earlier.size, 0)
    flaw = flaw_of_numbers(challenger=ours, champion=theirs) or flaw_of_past(earlier)
    flaw = flaw or ("" if theirs.size > start else TOO_FEW)
    if flaw:
        return Measurement(metric=metric, value=None, n=ours.size, unit=UNIT, subject=subject, reason=flaw)
    tail = running_tail(theirs, np.ones(theirs.size, dtype=np.bool_), quantile, margin, past=earlier).since(start)
    ours, theirs = ours[start:], theirs[start:]
    exceeds = (ours > tail.threshold, theirs > tail.threshold, ours > tail.threshold * (1 + margin))
    slow, usual, eased = (flags.astype(np.float64) for flags in exceeds)
    ends = np.full(slow.size, -1.0), np.ones(slow.size)
    low, high = bet_interval(slow - usual, least=ends[0], greatest=ends[1], ends=(-1.0, 1.0), confidence=confidence)
    return Measurement(
        metric=metric,
        value=float((slow - usual).mean()),
        n=slow.size,
        low=low,
        high=high,
        confidence=confidence,
        unit=UNIT,
        subject=subject,
        facts={
            **duel_facts(worse_of_pairs(slow, usual, aim=tail.more), within_pairs(eased, usual, aim=tail.less)),
            "challenger": float(slow.mean()),
            "champion": float(usual.mean()),
            "quantile_challenger": float(np.quantile(ours, quantile)),
            "quantile_champion": float(np.quantile(theirs, quantile)),
        },
    )


def flaw_of_past(past: Floats) -> str:
    """Say why values from before can't be used; none are fine.

    >>> flaw_of_past(np.array([np.inf])), flaw_of_past(np.zeros(0))
    ('1 of 1 values of past are not finite', '')
    """
    return flaw_of_numbers(past=past) if past.size else ""


@dataclass(frozen=True, slots=True)
class Tail:
    """What is told before each row of the champion's rows so far, shape (n,): see `running_tail`."""

    threshold: Floats
    more: Floats
    less: Floats

    def since(self, row: int) -> Tail:
        """Return the same of the rows from one on."""
        return Tail(self.threshold[row:], self.more[row:], self.less[row:])


def running_tail(values: Floats, among: Flags, quantile: float, margin: float, *, past: Floats = NONE) -> Tail:
    """Return a running quantile, and how much the share above it would grow, and fall, if values did by the margin.

    Both are at least a thousandth, so that something is bet. The arguments are those of `running_threshold`.

    >>> tail = running_tail(np.arange(200.0), np.ones(200, dtype=bool), 0.9, 0.1)
    >>> [round(float(each[-1]), 2) for each in (tail.threshold, tail.more, tail.less)]
    [89.1, 0.08, 0.09]
    """

    def share(seen: Floats, factor: float) -> float:
        return float((seen * factor > np.quantile(seen, quantile)).mean())

    def more(seen: Floats) -> float:
        return max(share(seen, 1 + margin) - share(seen, 1.0), LEAST_AIM)

    def less(seen: Floats) -> float:
        return max(share(seen, 1.0) - share(seen, 1 / (1 + margin)), LEAST_AIM)

    told = running_threshold(values, among, quantile, past=past)
    return Tail(told, retold(values, among, more, past=past), retold(values, among, less, past=past))


def tail_by_lot_wagers(rows: ByLot, tail: Tail, margin: float) -> tuple[Wager, Wager]:
    """Return both games on who exceeds the threshold; that of the challenger is longer by the margin in the second.

    >>> rows = by_lot(np.array([1.0, 3.0]), [1, 0], [0.5, 0.5])
    >>> tail_by_lot_wagers(rows, Tail(*np.full((3, 2), 2.0)), 0.1)[0].gains.tolist()
    [0.0, -2.0]
    """
    slow = (rows.values > tail.threshold).astype(np.float64)
    eased = np.where(rows.ours, rows.values > tail.threshold * (1 + margin), slow)
    return (
        worse_by_lot(slow, rows.ours, rows.weight, aim=tail.more),
        within_by_lot(eased, rows.ours, rows.weight, aim=tail.less),
    )
