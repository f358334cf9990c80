"""Season: drift against the training rows of the same season, where they hold one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stages.column_cells import cells_of
from ml_platform.stats.psi_of_counts import psi_of_counts

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec, WindowKind
    from ml_platform.stages.periods import Period
    from ml_platform.stages.reference import Reference

METRIC = "input_psi_in_season"
FEWEST = 500
SEASONS: dict[WindowKind, str] = {"hour": "hour of the week", "day": "day of the week", "month": "month of the year"}


def measure_in_season(
    spec: ModelSpec, rows: pd.DataFrame, reference: Reference, period: Period
) -> Iterator[Measurement]:
    """Measure each input against the training rows of the same hour or day of the week, or month of the year.

    Undefined, once, where fewer than 500 training rows are of that season or nothing says when they were.
    """
    kind = spec.monitoring.window if spec.monitoring else "month"
    then = _same_season(spec, reference.rows, kind, period)
    if len(then) < FEWEST:
        reason = f"{len(then):,} training rows are of the same {SEASONS[kind]}, {FEWEST} are needed"
        yield Measurement(metric=METRIC, value=None, n=len(then), reason=reason)
        return
    for name in spec.inputs:
        if name != spec.time and f"input_{name}" in rows:
            cells = cells_of(then[name])
            counted = cells.counts(then[name]), cells.counts(rows[f"input_{name}"])
            found = psi_of_counts(*counted, subject=name)
            facts = {**found.facts, "season": SEASONS[kind]}
            yield dataclasses.replace(found, metric=METRIC, facts=facts)


def _same_season(spec: ModelSpec, rows: pd.DataFrame, kind: WindowKind, period: Period) -> pd.DataFrame:
    import pandas as pd

    if spec.time is None or spec.time not in rows:
        return rows.iloc[:0]
    times = pd.to_datetime(rows[spec.time], utc=True)
    if kind == "month":
        return rows[(times.dt.month == period.start.month).to_numpy()]
    same = times.dt.day_of_week == period.start.weekday()
    if kind == "hour":
        same &= times.dt.hour == period.start.hour
    return rows[same.to_numpy()]
