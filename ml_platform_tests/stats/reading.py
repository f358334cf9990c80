"""Reading a measurement that must be there: a number, or the test fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement

Statistic = Callable[..., "Measurement"]
GroupStatistic = Callable[..., "tuple[Measurement, ...]"]


def value_of(found: Measurement) -> float:
    """Return the value, which must be defined."""
    assert found.value is not None, found.reason
    return found.value


def bounds_of(found: Measurement) -> tuple[float, float]:
    """Return the interval, which must be there."""
    assert found.low is not None, found.text()
    assert found.high is not None, found.text()
    return found.low, found.high


def covers(found: Measurement, truth: float) -> bool:
    """Return whether the interval holds the truth."""
    low, high = bounds_of(found)
    return low <= truth <= high


def width_of(found: Measurement) -> float:
    """Return how wide the interval is."""
    low, high = bounds_of(found)
    return high - low


def fact_of(found: Measurement, name: str) -> float:
    """Return a fact that is a number."""
    fact = found.facts[name]
    assert isinstance(fact, int | float)
    return float(fact)
