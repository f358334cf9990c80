"""Loss excess: how much larger the losses are within a slice of the rows than on all others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Flags, Floats, flaw_of_flags, flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.confidence import t_value
from ml_platform.stats.entities import Entities, entities
from ml_platform.stats.influence import influence_variance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "loss_excess"


def loss_excess(
    losses: ArrayLike,
    inside: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return mean loss inside / mean loss outside - 1, with the linearised interval of the ratio's logarithm.

    `losses` holds finite losses, at least 0, `inside` 0/1, shape (n,); 0.2 means a fifth more, 0 alike. With `entity`
    the interval is cluster-robust, also where an entity has rows on both sides. The degrees of freedom are those of the
    side with fewer units. `n` counts the rows inside. Undefined without rows on either side, without a loss outside and
    with values that aren't finite. ValueError when lengths differ. Facts: loss, loss_elsewhere, rows_elsewhere,
    difference, difference_low, difference_high, p_value (one-sided: that the loss isn't larger inside). Sources:
    Cochran 1977, Sampling Techniques, ch. 6 (the ratio); Liang and Zeger 1986, Biometrika 73 (entities).

    >>> loss_excess([2.0, 3.0, 4.0, 1.0, 2.0, 3.0], [1, 1, 1, 0, 0, 0]).text()
    'loss_excess = 0.5 share [-0.6053, 4.701] (n = 3)'
    """
    values, flags = numbers(losses, "losses"), numbers(inside, "inside")
    require_same_length(losses=values, inside=flags)
    units, rows = entities(entity, values), flags == 1
    reason = flaw_of_numbers(losses=values) or flaw_of_flags(inside=flags) or units.flaw or _lack(values, rows)
    if reason:
        return Measurement(
            metric=METRIC, value=None, n=int(rows.sum()), unit="share", subject=subject, reason=reason
        )  # fmt: skip
    within, beyond = float(values[rows].mean()), float(values[~rows].mean())
    pull_in, pull_out = _pull(values, rows), _pull(values, ~rows)
    ratio, freedom = within / beyond, min(_units(rows, units), _units(~rows, units)) - 1
    half = _half((pull_in - ratio * pull_out) / beyond, units, freedom, confidence)
    apart = _half(pull_in - pull_out, units, freedom, confidence)
    difference = within - beyond
    low, high = _bounds(ratio, half)
    return Measurement(
        metric=METRIC,
        value=ratio - 1,
        n=int(rows.sum()),
        low=low,
        high=high,
        confidence=confidence,
        unit="share",
        subject=subject,
        facts={
            "loss": within,
            "loss_elsewhere": beyond,
            "rows_elsewhere": int((~rows).sum()),
            "difference": difference,
            "difference_low": None if apart is None else difference - apart,
            "difference_high": None if apart is None else difference + apart,
            "p_value": _p_value(difference, apart, freedom, confidence),
        },
    )


def _lack(losses: Floats, inside: Flags) -> str:
    if inside.all() or not inside.any():
        return "no rows outside to compare with" if inside.any() else "no rows inside"
    return "" if losses[~inside].sum() > 0 else "there was no loss outside to compare with"


def _pull(losses: Floats, rows: Flags) -> Floats:
    """Return how much each row moves the mean of some of the rows, shape (n,)."""
    pulls: Floats = rows * (losses - losses[rows].mean()) / rows.sum()
    return pulls


def _units(rows: Flags, units: Entities) -> int:
    return units.of(rows).count() or int(rows.sum())


def _half(influence: Floats, units: Entities, freedom: int, confidence: float) -> float | None:
    """Return half of the interval's width; None with one unit on a side, whose loss varies nobody knows how much."""
    variance = influence_variance(influence, units) if freedom >= 1 else None
    return None if variance is None else t_value(confidence, freedom) * math.sqrt(variance)


def _bounds(ratio: float, half: float | None) -> tuple[float | None, float | None]:
    """Return the bounds of a ratio minus 1; of 0 they are those of the ratio itself."""
    if half is None:
        return None, None
    if ratio == 0:
        return -1.0, half - 1
    return ratio * math.exp(-half / ratio) - 1, ratio * math.exp(half / ratio) - 1


def _p_value(difference: float, half: float | None, freedom: int, confidence: float) -> float | None:
    from scipy.special import stdtr

    if not half:
        return None
    return float(stdtr(freedom, -difference / (half / t_value(confidence, freedom))))
