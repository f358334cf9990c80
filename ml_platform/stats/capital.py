"""Capital: what a bettor makes of numbers that are fair if nothing is wrong; large capital is evidence at any look."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ml_platform.stats.columns import Codes, Floats

# Most is bet on the effect that matters, little on larger ones up to an outage; no part pays for another's losses.
MULTIPLES = (0.9, 3.0, 10.0, 100.0)
PARTS = (0.93, 0.04, 0.02, 0.01)
MOST = 0.8  # of the capital that one row may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Wager:
    """Rows of a game whose `gains` have a mean of at most 0 if the hypothesis holds, each given all rows before.

    All are of shape (..., n). `bets` are what is staked on each row, told by the rows before it, and `floors`, above 0,
    how much a gain can lie below 0 at most.
    """

    gains: Floats
    bets: Floats
    floors: Floats


def log_capital(wager: Wager) -> Floats:
    """Return the logarithm of the capital after each row, shape (..., n), of a bettor who began with 1.

    If the hypothesis holds, it ever reaches log(1 / alpha) with probability alpha at most, however often one looks
    (Ville). Sources: Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86 (betting); Ville 1939, Étude critique de la
    notion de collectif.

    >>> rows = np.array([1.0, 1.0, -1.0, 1.0])
    >>> log_capital(Wager(gains=rows, bets=np.full(4, 0.1), floors=np.ones(4))).round(3).tolist()
    [0.113, 0.239, 0.07, 0.176]
    """
    total = np.full(wager.gains.shape, -math.inf)
    for part, grown in zip(PARTS, _grown(wager), strict=True):
        total = np.logaddexp(total, grown + math.log(part))
    return total


def log_joined_capital(wager: Wager, starts: Codes) -> Floats:
    """Return the same, shape (n,), of bettors who joined with 1 each at the rows `starts`, the first of which is 0.

    If the hypothesis holds, it reaches log(c) after c or more of them have joined, on average: harm that begins late is
    bet on by who joined last, and not by what was lost before. Source: Shin, Ramdas and Rinaldo 2024, Bernoulli 30
    (e-detectors).

    >>> rows = np.array([-1.0, -1.0, 1.0, 1.0])
    >>> wager = Wager(gains=rows, bets=np.full(4, 0.5), floors=np.ones(4))
    >>> log_joined_capital(wager, np.array([0, 2])).round(1).tolist()
    [-0.6, -1.3, 0.6, 1.0]
    """
    place = np.searchsorted(starts, np.arange(wager.gains.size), side="right") - 1
    total = np.full(wager.gains.size, -math.inf)
    for part, grown in zip(PARTS, _grown(wager), strict=True):
        joined = np.logaddexp.accumulate(-np.concatenate([[0.0], grown])[starts])
        total = np.logaddexp(total, grown + joined[place] + math.log(part))
    return total


def _grown(wager: Wager) -> list[Floats]:
    """Return the log of what 1 has become after each row by each way to bet."""
    most = MOST / wager.floors
    return [
        np.cumsum(np.log1p(np.minimum(multiple * wager.bets, most) * wager.gains), axis=-1) for multiple in MULTIPLES
    ]


def before(values: Floats) -> Floats:
    """Return what all rows before each one add up to, shape (..., n).

    >>> before(np.array([1.0, 2.0, 4.0])).tolist()
    [0.0, 1.0, 3.0]
    """
    sums = np.cumsum(values, axis=-1)
    return np.concatenate([np.zeros_like(sums[..., :1]), sums[..., :-1]], axis=-1)
