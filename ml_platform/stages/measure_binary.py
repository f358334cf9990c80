"""Measure binary models: ranking, probabilities and decisions between two classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ml_platform.stages.baseline import measure_baselines
from ml_platform.stages.evaluation.compare import smallest_detectable
from ml_platform.stages.group_gaps import measure_gaps, treated
from ml_platform.stages.performance import measure_performance
from ml_platform.stages.robustness import measure_robustness
from ml_platform.stages.slices import measure_slices
from ml_platform.stats.expected_cost import expected_cost
from ml_platform.stats.expected_cost_gain import expected_cost_gain
from ml_platform.stats.roc_auc_difference import roc_auc_difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml_platform.core.measurement import Measurement
    from ml_platform.policy.spec import Costs, ModelSpec
    from ml_platform.stages.scored_part import ScoredPart


def measure_binary(
    spec: ModelSpec, holdout: ScoredPart, train: ScoredPart, levels: Mapping[str, Sequence[str]]
) -> Iterator[Measurement]:
    """Measure decisions and scores; the area under the ROC curve comes first."""
    yield from measure_performance(holdout, train)
    yield from measure_baselines(holdout, train.matrix)
    yield from measure_slices(holdout, levels)
    yield from measure_gaps(treated(spec, holdout, holdout.target), holdout.matrix.groups)
    yield from measure_robustness(holdout, train.matrix, seed=spec.learner.seed)
    if spec.deployment.costs is not None:
        yield from measure_costs(holdout, spec.deployment.costs)


def measure_costs(holdout: ScoredPart, costs: Costs) -> Iterator[Measurement]:
    """Measure what decisions cost, and what they save against deciding every row alike."""
    for statistic in (expected_cost, expected_cost_gain):
        yield statistic(holdout.target, holdout.decision, costs=costs.matrix, entity=holdout.entity)


def compare_ranking(
    _: ModelSpec, holdout: ScoredPart, champion: NDArray[np.float64], new: NDArray[np.bool_]
) -> Measurement:
    """Measure the candidate's AUC minus the champion's on the rows that are new to it."""
    entity = None if holdout.entity is None else holdout.entity[new]
    found = roc_auc_difference(holdout.target[new], holdout.score[new], champion[new], entity=entity)
    if found.value is None:
        return found
    told = {_ROLES.get(name, name): fact for name, fact in found.facts.items()}
    return dataclasses.replace(found, facts=told | {"smallest_detectable": smallest_detectable(found, 0.95)})


_ROLES = {"auc_a": "candidate", "auc_b": "champion"}
