"""Task measures: what is measured, compared and drawn of a model, by what it predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.curves import AnyCurves
from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import ModelSpec, Task
from ml_platform.stages.curves import draw_curves
from ml_platform.stages.draw_classes import draw_classes
from ml_platform.stages.draw_numbers import draw_numbers
from ml_platform.stages.loss_measures import compare_losses
from ml_platform.stages.measure_binary import compare_ranking, measure_binary
from ml_platform.stages.measure_classes import measure_classes
from ml_platform.stages.measure_numbers import measure_quantile, measure_regression
from ml_platform.stages.scored_part import ScoredPart

Floats = NDArray[np.float64]
Levels = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMeasures:
    """What is done with a task's scores.

    `measure` takes the holdout, training rows and the levels' shown names; its first measurement is the one that live
    windows are compared with. `compare` takes the champion's scores and which rows are new to it. `draw` takes each
    feature's importance and the champion's scores, if there are any.
    """

    measure: Callable[[ModelSpec, ScoredPart, ScoredPart, Levels], Iterator[Measurement]]
    compare: Callable[[ModelSpec, ScoredPart, Floats, NDArray[np.bool_]], Measurement]
    compared: str
    draw: Callable[[ModelSpec, ScoredPart, Mapping[str, float], Floats | None], AnyCurves]


def measures_of(task: Task) -> TaskMeasures:
    """Return what is measured of a task's models."""
    loss = "loss_against_champion"
    match task:
        case "binary":
            return TaskMeasures(
                measure=measure_binary, compare=compare_ranking, compared="roc_auc_difference", draw=draw_binary
            )
        case "multiclass":
            return TaskMeasures(measure=measure_classes, compare=compare_losses, compared=loss, draw=draw_classes)
        case "regression":
            return TaskMeasures(measure=measure_regression, compare=compare_losses, compared=loss, draw=draw_numbers)
        case "quantile":
            return TaskMeasures(measure=measure_quantile, compare=compare_losses, compared=loss, draw=draw_numbers)
        case _:
            assert_never(task)


def draw_binary(
    _: ModelSpec, holdout: ScoredPart, importance: Mapping[str, float], champion: Floats | None
) -> AnyCurves:
    """Draw the curves of a score between two classes."""
    return draw_curves(holdout, importance, champion)
