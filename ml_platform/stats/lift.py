"""Lift: how many times more positive rows a score's top holds than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.bounded_interval import bounded_interval
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.satterthwaite import freedom_of
from ml_platform.stats.scored import Scored, scored

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Flags, Floats


def lift(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    top: float = 0.1,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of positive rows within the top share of scores, divided by that share; 1 is chance.

    `y_true` holds 0/1, `y_score` finite numbers, both of shape (n,); `top` is in (0, 1). Rows tied at the cut count in
    part, as if drawn from the tie. The bounds are Wilson's for the captured share of the positive rows, at the size
    that its variance gives: the cut is itself estimated, so that a positive row above it also moves it, by as much as
    rows scored near it are positive. With `entity` whole entities are the independent units. Undefined without a
    positive row and with values that aren't finite. ValueError when lengths differ or `top` is no such share. Facts:
    captured (share of positive rows), positives. Sources: Ling and Li 1998, Data Mining for Direct Marketing, KDD;
    Jiang and Zhao 2015, J. Bus. Econ. Stat. 33 (the interval).

    >>> lift([1, 1, 0, 0, 1, 0, 0, 0, 0, 0], np.arange(10, 0, -1), top=0.2).text()
    'lift = 3.333 [1.305, 4.594] (n = 10)'
    """
    if not 0 < top < 1:
        message = f"top: is {top}; a share between 0 and 1 is needed, such as 0.1"
        raise ValueError(message)
    rows = scored(y_true, y_score, entity)
    reason = rows.flaw or ("" if rows.positives else "no row is positive")
    if reason:
        return Measurement(metric="lift", value=None, n=rows.n, subject=subject, reason=reason)
    taken = _taken(rows, top)
    captured = float(taken[rows.positive].mean())
    near = float(rows.positive[_near_the_cut(rows, top)].mean())
    influence = (rows.positive * (taken - captured) - near * (taken - top)) / rows.positives
    fewest = min(rows.positives, rows.units.count() or rows.n)
    variance, freedom = influence_variance(influence, rows.units), freedom_of(influence, rows.units)
    low, high = bounded_interval(captured, variance, fewest=fewest, freedom=freedom, confidence=confidence)
    return Measurement(
        metric="lift",
        value=captured / top,
        n=rows.n,
        low=None if low is None else low / top,
        high=None if high is None else high / top,
        confidence=confidence,
        subject=subject,
        facts={"captured": captured, "positives": rows.positives},
    )


def _taken(rows: Scored, top: float) -> Floats:
    """Return how much of each row belongs to the top share: 1, 0, or a part of it at the cut."""
    wanted = top * rows.n
    cut = np.sort(rows.score)[::-1][min(int(wanted), rows.n - 1)]
    above, tied = rows.score > cut, rows.score == cut
    taken: Floats = above + tied * (wanted - above.sum()) / tied.sum()
    return taken


def _near_the_cut(rows: Scored, top: float) -> Flags:
    """Return the rows scored near the cut, on either side of it; all rows tied with one of them are near too."""
    place = min(int(top * rows.n), rows.n - 1)
    units = rows.units.count() or rows.n
    reach = max(min(int(rows.n * units**-0.2 / 4), place, rows.n - 1 - place), 1)
    ordered = np.sort(rows.score)[::-1]
    lowest, highest = ordered[min(place + reach, rows.n - 1)], ordered[max(place - reach, 0)]
    near: Flags = (rows.score >= lowest) & (rows.score <= highest)
    return near
