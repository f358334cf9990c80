"""Coverage: how many outcomes lie at or below a predicted quantile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.compared import compared
from ml_platform.stats.share import conditional_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def coverage(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of rows with outcome ≤ prediction, with Wilson's interval; of a quantile q it should be q.

    Both hold finite numbers, shape (n,). With `entity` rows of one entity count as dependent. Undefined without rows
    and with values that aren't finite. ValueError when lengths differ. Source: Gneiting, Balabdaoui and Raftery 2007,
    J. R. Stat. Soc. B 69 (calibration of quantiles).

    >>> coverage([1.0, 2.0, 4.0, 5.0], [1.5, 2.0, 3.0, 9.0]).text()
    'coverage = 0.75 share [0.3006, 0.9544] (n = 4)'
    """
    rows = compared(y_true, y_pred, entity)
    return conditional_share(
        rows.true <= rows.other, rows.units, flaw=rows.flaw, metric="coverage", confidence=confidence, subject=subject
    )
