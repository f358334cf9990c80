"""Group gaps: how differently groups of people, and combinations of them, are treated; many comparisons counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import Task
from ml_platform.stats.false_positive_rate_difference import false_positive_rate_difference
from ml_platform.stats.group_accuracy_gap import group_accuracy_gap
from ml_platform.stats.group_auc_gap import group_auc_gap
from ml_platform.stats.group_bias_gap import group_bias_gap
from ml_platform.stats.group_loss_gap import group_loss_gap
from ml_platform.stats.intersections import intersections
from ml_platform.stats.levels import levels
from ml_platform.stats.selection_rate_difference import selection_rate_difference
from ml_platform.stats.selection_rate_ratio import selection_rate_ratio
from ml_platform.stats.true_positive_rate_difference import true_positive_rate_difference

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.scored_part import ScoredPart

Floats = NDArray[np.float64]
Group = NDArray[np.generic]
Attributes = Mapping[str, Group]
TOGETHER = "intersection_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """What came true of each row, what the model said, decided and lost by it, shape (n,).

    `score` has one column per class where there are several; `decision` holds 0/1 or class numbers and isn't used of
    numbers; `losses` aren't used of two classes. `classes` names the classes.
    """

    task: Task
    true: Floats
    score: Floats
    decision: NDArray[np.generic]
    losses: Floats
    classes: tuple[str, ...]
    entity: NDArray[np.generic] | None


class _How(TypedDict):
    entity: NDArray[np.generic] | None
    attribute: str
    confidence: float


def treated(spec: ModelSpec, holdout: ScoredPart, losses: Floats) -> Treated:
    """Return how a model treats the holdout's rows."""
    task = spec.learner.task
    several = task == "multiclass"
    decision = holdout.decision if task == "binary" else holdout.score.argmax(axis=1) if several else holdout.score
    return Treated(
        task=task, true=holdout.target, score=holdout.score, decision=decision, losses=losses, classes=spec.classes,
        entity=holdout.entity,
    )  # fmt: skip


def measure_gaps(rows: Treated, attributes: Attributes, *, confidence: float = 0.95) -> Iterator[Measurement]:
    """Measure each group of each attribute against the attribute's reference group, then combinations of attributes.

    The intervals of all groups' comparisons hold together at the confidence, those of the combinations among
    themselves (Bonferroni; fact `comparisons`). Combinations are measured in one respect only, under a name of their
    own: few people share several attributes. Source: Dunn 1961, J. Am. Stat. Assoc. 56.
    """
    yield from _shared(rows, attributes, _gaps, confidence)
    if len(attributes) > 1:
        for one in _shared(rows, {"": intersections(attributes)}, _gaps_together, confidence):
            yield dataclasses.replace(one, metric=f"{TOGETHER}{one.metric}")


Gaps = Callable[[Treated, str, Group, float], Iterator[Measurement]]


def _shared(rows: Treated, attributes: Attributes, gaps: Gaps, confidence: float) -> Iterator[Measurement]:
    comparisons = sum(max(len(levels(group, name).names) - 1, 0) for name, group in attributes.items())
    each = 1 - (1 - confidence) / max(comparisons, 1)
    for name, group in attributes.items():
        for one in gaps(rows, name, group, each):
            yield dataclasses.replace(one, facts={**one.facts, "comparisons": comparisons})


def _gaps_together(rows: Treated, name: str, group: Group, confidence: float) -> Iterator[Measurement]:
    how: _How = {"entity": rows.entity, "attribute": name, "confidence": confidence}
    if rows.task == "binary":
        yield from selection_rate_ratio(rows.decision, group, **how)
    else:
        yield from group_loss_gap(rows.losses, group, **how)


def _gaps(rows: Treated, name: str, group: Group, confidence: float) -> Iterator[Measurement]:
    how: _How = {"entity": rows.entity, "attribute": name, "confidence": confidence}
    match rows.task:
        case "binary":
            yield from selection_rate_ratio(rows.decision, group, **how)
            yield from selection_rate_difference(rows.decision, group, **how)
            yield from true_positive_rate_difference(rows.true, rows.decision, group, **how)
            yield from false_positive_rate_difference(rows.true, rows.decision, group, **how)
            yield from group_auc_gap(rows.true, rows.score, group, **how)
        case "multiclass":
            yield from group_loss_gap(rows.losses, group, **how)
            yield from group_accuracy_gap(rows.true, rows.decision, group, **how)
            yield from _of_each_class(rows, name, group, confidence)
        case "regression":
            yield from group_loss_gap(rows.losses, group, **how)
            yield from group_bias_gap(rows.true, rows.score, group, **how)
        case "quantile":
            yield from group_loss_gap(rows.losses, group, **how)
        case task:
            assert_never(task)


def _of_each_class(rows: Treated, name: str, group: Group, confidence: float) -> Iterator[Measurement]:
    each = 1 - (1 - confidence) / max(len(rows.classes), 1)
    how: _How = {"entity": rows.entity, "attribute": name, "confidence": each}
    for code, of_class in enumerate(rows.classes):
        came, chosen = ones_of(rows.true, code), ones_of(rows.decision, code)
        rates = selection_rate_difference(chosen, group, **how)
        yield from (_for_class(one, of_class, "class_selection_rate_difference") for one in rates)
        recalls = true_positive_rate_difference(came, chosen, group, **how)
        yield from (_for_class(one, of_class, "class_recall_difference") for one in recalls)


def ones_of(values: NDArray[np.generic], code: int) -> Floats:
    """Return 1 where the class is the one meant, 0 where it is another; what isn't finite stays no number."""
    numbers = values.astype(np.float64)
    return np.where(np.isfinite(numbers), numbers == code, np.nan)


def _for_class(found: Measurement, name: str, metric: str) -> Measurement:
    facts = {**found.facts, "class": name}
    return dataclasses.replace(found, metric=metric, subject=f"{name}: {found.subject}", facts=facts)
