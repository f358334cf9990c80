"""Shift detector: has the mean of some quantities left what was usual, since whichever window, at any look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ml_platform.stats.columns import Codes, Flags, Floats

if TYPE_CHECKING:
    from ml_platform.stats.usual import Usual

Side = Literal["greater", "less", "both"]
# What is bet on: shifts of so many standard deviations, each half as large again as the one before.
EFFECTS = 0.02 * 1.5 ** np.arange(11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The evidence after each window, as a logarithm, shape (windows - start,), and what the last rests on most.

    `quantity` is the place of the quantity that holds most of it, `change` its mean of the last window less what was
    usual, `since` the place of the window where the shift seems to have begun.
    """

    log_evidence: Floats
    quantity: int
    change: float
    since: int


def shift_detector(
    usual: Sequence[Usual],
    n: Codes,
    means: Floats,
    *,
    side: Side = "both",
    worth: Flags | None = None,
    start: int = 0,
) -> Shift:
    """Return the evidence that the mean of any of `q` quantities has shifted, from their means in windows, in order.

    `n` holds the rows of each window, shape (windows,), `means` has the shape (windows, q). Each window is held
    against all rows before it, the earlier windows' included, so that a reference of few rows is no proof, and what
    stays so becomes usual. Windows that aren't `worth` it, shape (windows,), can lose evidence and win none; those
    before `start` are no evidence. As long as all rows come from one distribution the evidence reaches log(c) once in
    c windows on average, or less often, also when it begins anew each time that it did: for any quantities together and
    however dependent. The means' chance is reckoned with by the moment generating function of the earlier rows.
    ValueError when no window is left. Sources: Shin, Ramdas and Rinaldo 2024, Bernoulli 30 (e-detectors); Brown, Durbin
    and Evans 1975, J. R. Stat. Soc. B 37 (each against all before).

    >>> from ml_platform.stats.usual import usual_share
    >>> calm, windows = usual_share(100, 1000), np.array([200, 200])
    >>> [shift_detector([calm], windows, np.array([[0.1], [late]])).log_evidence.round(1)[1] for late in (0.1, 0.2)]
    [np.float64(-0.4), np.float64(5.2)]
    """
    if n.size <= start:
        message = f"windows: {n.size} were given and those from {start} on count; at least one has to; give its rows"
        raise ValueError(message)
    told = [log_factors(one, n, means[:, place], side=side) for place, one in enumerate(usual)]
    if worth is not None:
        told = [np.where(worth, one, np.minimum(one, 0.0)) for one in told]
    told = [one[:, start:] for one in told]
    held = [joined_evidence(one) for one in told]
    total = np.array([np.logaddexp.reduce(one, axis=0) - np.log(one.shape[0]) for one in held])
    place = int(total[:, -1].argmax())
    best = np.cumsum(told[place][int(held[place][:, -1].argmax())])
    return Shift(
        log_evidence=np.logaddexp.reduce(total, axis=0) - np.log(total.shape[0]),
        quantity=place,
        change=float(means[-1, place]) - usual[place].mean,
        since=start + int(np.concatenate([[0.0], best[:-1]]).argmin()),
    )


def log_factors(usual: Usual, n: Codes, means: Floats, *, side: Side = "both") -> Floats:
    """Return the logarithm of what each bet on a shift makes of 1 in each window, shape (bets, windows).

    A window of no rows leaves it as it is.

    >>> from ml_platform.stats.usual import usual_share
    >>> log_factors(usual_share(50, 100), np.array([0, 100]), np.array([0.0, 0.5]), side="greater").shape
    (11, 2)
    """
    signs = {"greater": (1.0,), "less": (-1.0,), "both": (1.0, -1.0)}[side]
    effects = np.concatenate([sign * EFFECTS for sign in signs])
    counted = usual.n + np.cumsum(n)
    known = counted - n
    sums = usual.n * usual.mean + np.cumsum(n * means)
    off = means - (sums - n * means) / known
    rate = np.outer(effects / usual.deviation, known / counted)
    doubt = np.square(rate * n * usual.deviation) / (2 * known)
    factors: Floats = n * (rate * off - usual.log_moment(rate)) - doubt
    return np.where(n > 0, factors, 0.0)


def joined_evidence(factors: Floats) -> Floats:
    """Return the log of what each bet holds after each window, shape (bets, windows), when 1 joins at each window.

    >>> joined_evidence(np.log([[2.0, 2.0]])).round(3).tolist() == np.log([[2.0, 6.0]]).round(3).tolist()
    True
    """
    grown = np.cumsum(factors, axis=-1)
    before = np.concatenate([np.zeros_like(grown[..., :1]), grown[..., :-1]], axis=-1)
    found: Floats = grown + np.logaddexp.accumulate(-before, axis=-1)
    return found
