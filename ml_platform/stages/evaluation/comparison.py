"""Comparison: how much better a challenger is than a champion on the same rows, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement, number_text

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "metric", "estimate", "low", "high", "p_value", "p_value_worse", "margin", "power", "smallest_detectable", "n",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The challenger's gain over the champion, positive where it is better, whichever way the metric points.

    `measurement` holds the gain with its interval. `p_value` is two-sided for no difference, `p_value_worse` one-sided
    for a challenger that is worse by `margin` or more. `power` is the chance that two equally good models, compared on
    so many rows, would be proven no worse than by `margin`; `smallest_detectable` is the gain that would be proven with
    a power of 80 %. All are None where the gain is undefined or has no interval.
    """

    metric: str
    measurement: Measurement
    margin: float
    p_value: float | None
    p_value_worse: float | None
    power: float | None
    smallest_detectable: float | None

    @property
    def estimate(self) -> float | None:
        """Return the gain."""
        return self.measurement.value

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Return the gain's bounds."""
        return self.measurement.low, self.measurement.high

    @property
    def n(self) -> int:
        """Return the number of rows."""
        return self.measurement.n

    def to_frame(self) -> pd.DataFrame:
        """Return the comparison as a table of one row."""
        import pandas as pd

        low, high = self.interval
        own = {"estimate": self.estimate, "low": low, "high": high, "n": self.n}
        return pd.DataFrame([{name: own[name] if name in own else getattr(self, name) for name in COLUMNS}])

    def text(self) -> str:
        """Say the gain, the p-values and the power in two lines."""
        told = [self._p_values()]
        if self.power is not None:
            told.append(
                f"power {self.power:.0%} between equals, 80 % for a gain of {number_text(self.smallest_detectable)}"
            )
        return f"{self.metric}: {self.measurement.text()}\n  {'; '.join(told)}"

    def _p_values(self) -> str:
        """Say the p-values, or why there are none."""
        if self.p_value is not None:
            return f"p = {_p(self.p_value)} for no difference, {_p(self.p_value_worse)} for worse by {self.margin:g}"
        if self.estimate is None:
            return "no p-value: the gain is undefined"
        if None in self.interval:
            return "no p-value: the gain has no interval"
        return "no p-value: every row says the same, so that nothing tells how far the gain would vary"

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """Show the comparison in a notebook."""
        head, rest = self.text().split("\n", 1)
        return f"<p><strong>{escape(head)}</strong><br>{escape(rest.strip())}</p>"


def _p(value: float | None) -> str:
    return "?" if value is None else f"{value:.2g}"
