"""How measurements become rows of a forest plot, and how such a plot is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.forest_plot import Forest, ForestRow
from ml_platform.reports.measured_rows import EVALUATION

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.reports.measured_rows import MeasuredRows

_ENDS = {
    "low": "the lower end of the interval", "high": "the upper end of the interval", "value": "the dot",
    "interval": "the whole interval",
}  # fmt: skip


def forest_row(one: Measurement, measured: MeasuredRows, *, note: str, name: str = "") -> ForestRow:
    """Return a measurement of the evaluation as a row that links to where it is listed."""
    return ForestRow(
        name=name or one.subject,
        value=one.value,
        low=one.low,
        high=one.high,
        note=note,
        anchor=measured.anchor(EVALUATION, one),
        says=one.text(),
    )


def reading(forest: Forest) -> str:
    """Say how the plot is read."""
    judged = " or ".join(dict.fromkeys(_ENDS[allowed.judged_on] for allowed in forest.limits))
    band = f" The band is what the policy allows; {judged} has to lie in it." if judged else ""
    return f"Lines are 95 % intervals.{band}"
