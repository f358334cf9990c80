"""F1: one number for precision and recall."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ml_platform.stats.scored import decided
from ml_platform.stats.share import conditional_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def f1(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the harmonic mean of precision and recall, with an interval; n counts rows positive in either way.

    Among the rows that are positive or decided positive, the share j that is both is a plain share, and
    F1 = 2j / (1 + j) grows with it: its bounds are Wilson's bounds of j, moved to that scale. Both columns hold 0/1,
    shape (n,). With `entity` rows of one entity count as dependent. Undefined when no row is positive in either way
    and with values other than 0 and 1. ValueError when lengths differ. Source: van Rijsbergen 1979, Information
    Retrieval, ch. 7.

    >>> f1([0, 1, 1, 0], [0, 1, 0, 0]).text()
    'f1 = 0.6667 [0.1727, 0.9504] (n = 2)'
    """
    rows = decided(y_true, decisions, entity)
    jaccard = conditional_share(
        rows.positive & rows.decision,
        rows.units,
        among=rows.positive | rows.decision,
        flaw=rows.flaw,
        nobody="no row is positive or decided positive",
        metric="f1",
        confidence=confidence,
        subject=subject,
    )
    return dataclasses.replace(jaccard, value=_f1(jaccard.value), low=_f1(jaccard.low), high=_f1(jaccard.high), unit="")


def _f1(jaccard: float | None) -> float | None:
    return None if jaccard is None else 2 * jaccard / (1 + jaccard)
