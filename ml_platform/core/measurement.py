"""A measurement: a number with its interval and sample size, knowing no limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

Fact = str | int | float | bool | None


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What was measured on what, with how much evidence.

    `value`, `low` and `high` are finite or None: a NaN or an infinity becomes None, and `reason` then says
    so. `low` and `high` bound the value at `confidence` (0..1). `n` counts the rows behind the value.
    `subject` names the column, group or slice; it is empty when the whole table is meant.
    """

    metric: str
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    unit: str = ""
    subject: str = ""
    reason: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        value = _finite(self.value)
        if value is None and not self.reason:
            seen = "no value" if self.value is None else f"the value was {self.value}"
            object.__setattr__(self, "reason", seen)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "low", _finite(self.low))
        object.__setattr__(self, "high", _finite(self.high))

    def text(self) -> str:
        """Say the measurement in one line, for a terminal or a report."""
        about = f" of {self.subject}" if self.subject else ""
        if self.value is None:
            return f"{self.metric}{about}: undefined ({self.reason}; n = {self.n:,})"
        bounded = self.low is not None and self.high is not None
        spread = f" [{number_text(self.low)}, {number_text(self.high)}]" if bounded else ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.metric}{about} = {number_text(self.value)}{unit}{spread} (n = {self.n:,})"


def number_text(value: float | None) -> str:
    """Write a number for people: four significant digits, whole thousands in groups; "?" for None.

    >>> number_text(133544), number_text(0.76912), number_text(2.0)
    ('133,544', '0.7691', '2')
    """
    if value is None:
        return "?"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"
