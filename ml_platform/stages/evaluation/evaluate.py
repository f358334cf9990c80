"""Evaluate: measure a model's scores with intervals, in one call without Dagster."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.stages.evaluation import arguments
from ml_platform.stages.evaluation.evaluation import Evaluation
from ml_platform.stages.evaluation.groups import between_groups, of_each_group
from ml_platform.stages.evaluation.statistics import Scores, statistics
from ml_platform.stages.evaluation.weighted import weighted_statistics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.policy.spec import Task

CALL = "evaluate"
NO_INTERVAL = "no interval: so few independent rows, or so perfect a result, don't show how unsure the value is"


def evaluate(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    task: Task,
    groups: object = None,
    entity: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    seed: int = 0,
    threshold: float = 0.5,
    quantile: float = 0.5,
    confidence: float = 0.95,
    costs: object = None,
) -> Evaluation:
    """Return what was measured of the scores of held-out rows, each metric with its interval and sample size.

    `y_true` holds 0/1 ("binary"), class numbers from 0 ("multiclass") or numbers, shape (n,). `y_score` holds the
    probability of 1, shape (n,); of each class, shape (n, classes); or predictions, shape (n,). `groups` (a table, a
    mapping or one column) names each row's groups: metrics are then given per group, and differences between groups and
    between combinations of them at a joint confidence. Rows with the same `entity` count as dependent. `weights` are
    numbers > 0; with them, calibration, lift and medians are undefined. Decisions are positive from `threshold`
    on; `quantile` is what a quantile model predicts. `costs` say what a decision costs: `{"false_positive": 1,
    "false_negative": 5}`, or a table with a row per outcome and a column per decision. What can't be measured (one
    class, constant scores, values that aren't finite) is undefined and says why. DataInvalid for what has no right
    shape or isn't known.
    """
    arguments.known(CALL, "task", task, arguments.TASKS)
    true = arguments.outcomes(CALL, y_true)
    score = arguments.predictions(CALL, "y_score", y_score, true.size, classes=task == "multiclass")
    for name, value in (("confidence", confidence), ("threshold", threshold), ("quantile", quantile)):
        arguments.share(CALL, name, value)
    scores = Scores(
        task=task, true=true, score=score, entity=arguments.one_per_row(CALL, "entity", entity, true.size),
        threshold=threshold, quantile=quantile, seed=seed, confidence=confidence,
        costs=arguments.costs(CALL, costs, _classes(task, score)),
    )  # fmt: skip
    counts = _weights(weights, true.size)
    attributes = arguments.attributes(groups, true.size)
    if attributes and counts is not None:
        raise DataInvalid(f"{CALL}: groups with weights aren't compared; leave one of them out")
    found = statistics(scores) if counts is None else weighted_statistics(scores, counts)
    conditions = {"always", task, *_grouped(attributes), *(["entity"] if entity is not None else [])}
    conditions |= {"costs"} if scores.costs is not None else set()
    return Evaluation(
        task=task,
        n=true.size,
        measurements=tuple(map(_explained, (*found, *between_groups(scores, attributes)))),
        by_group=tuple(map(_explained, of_each_group(scores, attributes))),
        conditions=frozenset(conditions),
    )


def _explained(found: Measurement) -> Measurement:
    """Say why a value has no interval, where nothing else is said of it."""
    whole = found.low is not None and found.high is not None
    return found if whole or found.reason else dataclasses.replace(found, reason=NO_INTERVAL)


def _classes(task: Task, score: NDArray[np.float64]) -> int:
    """Return how many classes are decided between; 0 where a number is predicted."""
    return score.shape[1] if score.ndim > 1 else 2 * (task == "binary")


def _grouped(attributes: Collection[str]) -> tuple[str, ...]:
    """Return the conditions under which gates on groups apply."""
    return ("groups", "several_groups")[: len(attributes)]


def _weights(weights: ArrayLike | None, rows: int) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    found = arguments.predictions(CALL, "weights", weights, rows, classes=False)
    bad = rows - int((np.isfinite(found) & (found > 0)).sum())
    if bad:
        raise DataInvalid(f"{CALL}: {bad:,} of {rows:,} weights aren't numbers > 0; leave out rows that count nothing")
    return found
