"""Monitors: everything of a window that may raise an alarm, each held against what was usual at release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.records import WindowSummary
from ml_platform.stages.column_cells import ColumnCells, cells_of
from ml_platform.stages.reference import score_columns
from ml_platform.stages.row_losses import row_losses
from ml_platform.stats.recalibration import logits
from ml_platform.stats.shift_detector import Side
from ml_platform.stats.usual import Usual, usual_rows, usual_share

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.reference import Reference

Family = Literal["performance", "traffic"]
Floats = NDArray[np.float64]
LOSS, WRONG, BIAS, SPREAD = "loss", "wrong decisions", "prediction against outcome", "confidence against outcome"
SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """What is watched under one name: one quantity, or the shares of a column's cells; `column` is the input's."""

    name: str
    family: Family
    usual: tuple[Usual, ...]
    side: Side
    quantities: tuple[str, ...]
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The monitors of a model, and what each saw of a window, by name."""

    monitors: tuple[Monitor, ...]
    seen: Mapping[str, WindowSummary]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedColumn:
    """How the rows of an input, or of the score, fall into its cells: at release and in the window, None if absent."""

    name: str
    column: str
    cells: ColumnCells
    then: NDArray[np.intp]
    now: NDArray[np.intp] | None


def count_columns(spec: ModelSpec, rows: pd.DataFrame, reference: Reference) -> tuple[CountedColumn, ...]:
    """Count the window's rows of each input but the time, and of the scores, in the cells that they had at release."""
    found = []
    for name, column, then in _columns(spec, reference):
        cells = cells_of(then)
        now = cells.counts(rows[column]) if column in rows else None
        found.append(CountedColumn(name=name, column=column, cells=cells, then=cells.counts(then), now=now))
    return tuple(found)


def watch_columns(counted: Sequence[CountedColumn], rows: int) -> Watched:
    """Return the monitors of the inputs and scores, held against training rows and holdout, and the window's shares."""
    monitors, seen = [], {}
    for one in counted:
        n = int(one.then.sum())
        usual = tuple(usual_share(int(count), n) for count in one.then)
        column = one.name if one.column.startswith("input_") else ""
        monitors.append(
            Monitor(
                name=one.name, family="traffic", usual=usual, side="both", quantities=one.cells.names, column=column
            )
        )
        seen[one.name] = _shares(one, rows)
    return Watched(monitors=tuple(monitors), seen=seen)


def watch_performance(spec: ModelSpec, label: Floats, score: Floats, reference: Reference) -> Watched:
    """Return the monitors of how the model does, held against its holdout, and the window's means.

    `label` holds outcomes by their codes, shape (n,), `score` predictions, shape (n, scores). A monitor whose quantity
    never differs on the holdout, or of which it knows nothing, is left out.
    """
    then = _told(spec, *reference.proven, reference) if reference.proven is not None else {}
    now = _told(spec, label, score, reference) if label.size else {}
    monitors, seen = [], {}
    for name, (side, values) in then.items():
        usual = usual_rows(values)
        if usual is None:
            continue
        monitors.append(Monitor(name=name, family="performance", usual=(usual,), side=side, quantities=(name,)))
        mean = float(now[name][1].mean()) if name in now else 0.0
        seen[name] = WindowSummary(n=int(label.size), means=(mean,))
    return Watched(monitors=tuple(monitors), seen=seen)


def _columns(spec: ModelSpec, reference: Reference) -> Iterator[tuple[str, str, pd.Series[Any]]]:
    for name in spec.inputs:
        if name != spec.time:  # time moves on by itself
            yield name, f"input_{name}", reference.rows[name]
    for name, column in score_columns(reference.classes):
        yield f"{SCORE} of {name}" if name else SCORE, column, reference.scores[name]


def _shares(counted: CountedColumn, n: int) -> WindowSummary:
    """Return the shares of the cells; a column that isn't there is missing in every row."""
    if counted.now is None:
        return WindowSummary(n=n, means=(*(0.0 for _ in counted.cells.names[1:]), 1.0))
    return WindowSummary(n=n, means=tuple(float(one) for one in counted.now / max(n, 1)))


def _told(spec: ModelSpec, label: Floats, score: Floats, reference: Reference) -> dict[str, tuple[Side, Floats]]:
    """Return each quantity of rows with outcomes, shape (n,), and to which side it may not shift."""
    task = spec.learner.task
    found: dict[str, tuple[Side, Floats]] = {}
    match task:
        case "binary":
            single = score[:, 0]
            found[LOSS] = "greater", row_losses(spec.learner, label, single)
            if reference.threshold is not None:
                found[WRONG] = "greater", ((single >= reference.threshold) != (label == 1)).astype(np.float64)
            found[BIAS] = "both", single - label
            odds = logits(single)
            found[SPREAD] = "both", (label - single) * (odds - reference.middle)
        case "multiclass":
            found[LOSS] = "greater", row_losses(spec.learner, label, score)
            found[WRONG] = "greater", (score.argmax(axis=1) != label).astype(np.float64)
        case "regression" | "quantile":
            single = score[:, 0]
            found[LOSS] = "greater", row_losses(spec.learner, label, single)
            found[BIAS] = "both", single - label
        case task:
            assert_never(task)
    return found
