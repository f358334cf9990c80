"""Promise excess: is the mean of live rows above what was promised, since whichever period."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.bet_interval import bet_interval
from ml_platform.stats.capital import Wager, before, log_capital, log_joined_capital
from ml_platform.stats.columns import numbers, require_same_length
from ml_platform.stats.duel import check_margin
from ml_platform.stats.mean_sequence import flaw_of_bounded

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Codes, Floats

METRIC = "promise_excess"
PRIOR_SQUARE, PRIOR_ROWS = 1.0, 4.0
LEAST = 1e-3  # a promise of 0 is a promise of a thousandth


def promise_excess(
    values: ArrayLike,
    period: ArrayLike,
    *,
    promised: float,
    margin: float,
    metric: str = METRIC,
    unit: str = "",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of values in [0, 1] minus what was promised, for rows in the order in which they came.

    `period`, shape (n,), is the whole number of the period of each row, never falling: at the begin of each a bettor
    with the capital 1 joins, so that harm is seen that begins late. The fact `evidence` is the logarithm of the most
    that all together ever held: chance alone needs exp(c) periods on average to bring it to c. `margin`, above 0, is
    the excess that is bet on. Value and interval are of the periods since the bettor who won most joined
    (facts: since, mean; the interval is chosen by that and only illustrates). Undefined without rows and with values
    outside [0, 1]. ValueError when lengths differ. Source: Shin, Ramdas and Rinaldo 2024, Bernoulli 30 (e-detectors).

    >>> found = promise_excess(np.repeat([0.0, 1.0], 40), np.repeat([0, 1], 40), promised=0.1, margin=0.1)
    >>> found.facts["since"], round(found.value, 2)
    (1, 0.9)
    """
    check_margin(margin, confidence)
    column, when = numbers(values, "values"), numbers(period, "period")
    require_same_length(values=column, period=when)
    flaw = flaw_of_bounded(column) or ("periods that fall or aren't finite" if not _rises(when) else "")
    flaw = flaw or ("" if 0 <= promised < 1 else f"a promised mean of {promised:g}, which isn't in 0 to 1")
    if flaw:
        return Measurement(metric=metric, value=None, n=column.size, unit=unit, subject=subject, reason=flaw)
    wager = _wager(column, promised, margin)
    starts = np.flatnonzero(np.diff(when, prepend=-math.inf))
    since = _worst_start(wager, starts)
    rows = column[since:]
    ends = np.zeros(rows.size), np.ones(rows.size)
    low, high = bet_interval(rows, least=ends[0], greatest=ends[1], ends=(0.0, 1.0), confidence=confidence)
    return Measurement(
        metric=metric,
        value=float(rows.mean()) - promised,
        n=rows.size,
        low=low - promised,
        high=high - promised,
        confidence=confidence,
        unit=unit,
        subject=subject,
        facts={
            "evidence": float(log_joined_capital(wager, starts).max()),
            "mean": float(rows.mean()),
            "promised": promised,
            "since": int(when[since]),
            "rows": column.size,
        },
    )


def _wager(values: Floats, promised: float, margin: float) -> Wager:
    gains = values - promised
    square = (PRIOR_SQUARE + before(np.square(gains))) / (PRIOR_ROWS + np.arange(values.size))
    floor = max(promised, LEAST)
    return Wager(gains=gains, bets=margin / (square + margin**2), floors=np.full(values.size, floor))


def _worst_start(wager: Wager, starts: Codes) -> int:
    """Return the row from which on most was won by now."""
    grown = np.concatenate([[0.0], log_capital(wager)])
    return int(starts[(grown[-1] - grown[starts]).argmax()])


def _rises(period: Floats) -> bool:
    return bool(np.isfinite(period).all() and (np.diff(period) >= 0).all())
