"""Lift: how many times more positive rows a score's top holds than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.scored import Scored, scored
from ml_platform.stats.share import effective_size
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Floats


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
    part, as if drawn from the tie. The bounds are Wilson's for the captured share of the positive rows, with `entity`
    at its effective size. Undefined without a positive row and with values that aren't finite. ValueError when
    lengths differ or `top` is no such share. Facts: captured (share of positive rows), positives. Source: Ling and Li
    1998, Data Mining for Direct Marketing, KDD.

    >>> lift([1, 1, 0, 0, 1, 0, 0, 0, 0, 0], np.arange(10, 0, -1), top=0.2).text()
    'lift = 3.333 [1.038, 4.693] (n = 10)'
    """
    if not 0 < top < 1:
        message = f"top: is {top}; a share between 0 and 1 is needed, such as 0.1"
        raise ValueError(message)
    rows = scored(y_true, y_score, entity)
    reason = rows.flaw or ("" if rows.positives else "no row is positive")
    if reason:
        return Measurement(metric="lift", value=None, n=rows.n, subject=subject, reason=reason)
    hits = _taken(rows, top)[rows.positive]
    captured = float(hits.mean())
    size = effective_size(hits, rows.units.of(rows.positive), confidence)
    bounds = wilson(captured * size, size, confidence=confidence)
    return Measurement(
        metric="lift",
        value=captured / top,
        n=rows.n,
        low=None if bounds.low is None else bounds.low / top,
        high=None if bounds.high is None else bounds.high / top,
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
