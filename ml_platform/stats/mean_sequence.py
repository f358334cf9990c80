"""Mean sequence: the mean of bounded rows, with an interval that stays true however often one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.bet_interval import bet_interval
from ml_platform.stats.columns import Floats, flaw_of_numbers, numbers
from ml_platform.stats.confidence import z_value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def mean_sequence(
    values: ArrayLike,
    *,
    least: float = 0.0,
    greatest: float = 1.0,
    metric: str = "mean",
    unit: str = "",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of values between `least` and `greatest`, shape (n,), in the order in which they came.

    The interval belongs to a confidence sequence: with the stated confidence the mean lies in it at all looks. What is
    assumed is that each row has this mean given the rows before it. Undefined without rows, with values that aren't
    finite or lie outside their bounds. Source: Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86.

    >>> mean_sequence([0.0, 1.0] * 50).text()
    'mean = 0.5 [0.358, 0.6432] (n = 100)'
    """
    z_value(confidence)
    column = numbers(values, "values")
    flaw = flaw_of_bounded(column, least, greatest)
    if flaw:
        return Measurement(metric=metric, value=None, n=column.size, unit=unit, subject=subject, reason=flaw)
    bounds = np.full(column.size, least), np.full(column.size, greatest)
    low, high = bet_interval(column, least=bounds[0], greatest=bounds[1], ends=(least, greatest), confidence=confidence)
    return Measurement(
        metric=metric,
        value=float(column.mean()),
        n=column.size,
        low=low,
        high=high,
        confidence=confidence,
        unit=unit,
        subject=subject,
    )


def flaw_of_bounded(values: Floats, least: float = 0.0, greatest: float = 1.0, name: str = "values") -> str:
    """Say why values can't be bet on: none, not finite, or outside their bounds; "" when they can.

    >>> flaw_of_bounded(np.array([0.5, 2.0]))
    '1 of 2 values of values lie outside 0 to 1'
    """
    flaw = flaw_of_numbers(**{name: values})
    bad = 0 if flaw else int(((values < least) | (values > greatest)).sum())
    return flaw or (f"{bad} of {values.size} values of {name} lie outside {least:g} to {greatest:g}" if bad else "")
