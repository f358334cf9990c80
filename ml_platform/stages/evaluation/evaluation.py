"""Evaluation: what was measured of a model's scores, for a person, a notebook and a policy."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import Task

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("metric", "subject", "value", "low", "high", "n", "unit", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Measurements of all rows and of differences between groups; `by_group` holds the same metrics of each group.

    `conditions` says under which a policy's gates apply: the task, and whether there are groups and entities.
    """

    task: Task
    n: int
    measurements: tuple[Measurement, ...]
    by_group: tuple[Measurement, ...]
    conditions: frozenset[str]

    def __getitem__(self, metric: str) -> Measurement:
        """Return the metric's measurement, of the first subject where there are several; DataInvalid without one."""
        found = next((one for one in self.measurements if one.metric == metric), None)
        if found is None:
            names = ", ".join(dict.fromkeys(one.metric for one in self.measurements))
            raise DataInvalid(f"evaluation: {metric!r} wasn't measured; there are {names}")
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return every measurement as a row, those of single groups last; what is undefined is NaN, with its reason."""
        import pandas as pd

        rows = [tuple(getattr(one, name) for name in COLUMNS) for one in (*self.measurements, *self.by_group)]
        numbers = dict.fromkeys(("value", "low", "high"), "float64")
        return pd.DataFrame(rows, columns=list(COLUMNS)).astype(numbers)

    def text(self) -> str:
        """Say each measurement in a line."""
        return "\n".join([f"{self.task}, {self.n:,} rows", *(f"  {one.text()}" for one in self.measurements)])

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """Show the evaluation in a notebook."""
        head, *lines = self.text().splitlines()
        items = "".join(f"<li>{escape(line.strip())}</li>" for line in lines)
        return f"<p><strong>{escape(head)}</strong></p><ul>{items}</ul>"
