"""Monitors: everything of a window that may raise an alarm, each held against what was usual at release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def watch_columns(spec: ModelSpec, rows: pd.DataFrame, reference: Reference) -> Watched:
    """Return the monitors of the inputs and scores, held against training rows and holdout, and the window's shares."""
    monitors, seen = [], {}
    for name, then, now in _columns(spec, rows, reference):
        cells = cells_of(then)
        counted = cells.counts(then)
        usual = tuple(usual_share(int(count), len(then)) for count in counted)
        column = name if name in spec.inputs else ""
        monitors.append(
            Monitor(name=name, family="traffic", usual=usual, side="both", quantities=cells.names, column=column)
        )
        seen[name] = _shares(cells, now, len(rows))
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


def _columns(
    spec: ModelSpec, rows: pd.DataFrame, reference: Reference
) -> Iterator[tuple[str, pd.Series[Any], pd.Series[Any] | None]]:
    for name in spec.inputs:
        if name != spec.time:
            column = f"input_{name}"
            yield name, reference.rows[name], rows.get(column)
    for name, column in score_columns(reference.classes):
        title = f"{SCORE} of {name}" if name else SCORE
        yield title, reference.scores[name], rows.get(column)


def _shares(cells: ColumnCells, column: pd.Series[Any] | None, n: int) -> WindowSummary:
    """Return the shares of the cells; a column that isn't there is missing in every row."""
    if column is None:
        return WindowSummary(n=n, means=(*(0.0 for _ in cells.names[1:]), 1.0))
    shares = cells.counts(column) / max(n, 1)
    return WindowSummary(n=n, means=tuple(float(one) for one in shares))


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
