"""Plan: how many rows and labels it takes before a gate can reveal what the policy asks of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.stages.inspect_new_rows import MOST_REFERENCE_ROWS
from ml_platform.stages.inspection.against_contract import inspected_columns
from ml_platform.stages.inspection.detectable import sizes_of, smallest_detectable
from ml_platform.stages.inspection.families import FAMILIES
from ml_platform.stages.inspection.measure import ALPHA
from ml_platform.stages.inspection.tables import MOST_TOGETHER
from ml_platform.stats.auc_detectable_difference import auc_detectable_difference
from ml_platform.stats.mean_detectable_growth import mean_detectable_growth

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml_platform.policy.load import GovernedModelFile

BATCHES = (200, 500, 1_000, 2_000, 5_000, 20_000, 50_000)
MOST_ROWS = 10_000_000
ORDERED = frozenset({"integer", "number", "boolean", "datetime"})
AUC_LOSSES = (0.01, 0.02, 0.05)
GROWTHS = (0.05, 0.1, 0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """What one gate on batches could reveal: the smallest fault by the batch's size, and the rows that it asks for.

    `rows_needed` is None when no batch of up to ten million rows is enough: the reference is too small.
    """

    gate: str
    metric: str
    asked: float | None
    smallest: Mapping[int, float]
    rows_needed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPlan:
    """Labels needed to reveal a change of a size, a loss of AUC or a growth of the loss, with a power of 80 %."""

    subject: str
    change: float
    labels: int | None


def plan_batches(file: GovernedModelFile, reference_rows: int) -> Iterator[BatchPlan]:
    """Say for each gate on batches what it could reveal against a reference of so many rows."""
    rows = min(reference_rows, MOST_REFERENCE_ROWS)
    hypotheses = _hypotheses(file)
    shares = {family.metric: family.share for family in FAMILIES}
    for name, gate in file.policy.gates.items():
        if gate.metric not in hypotheses:
            continue
        alpha = ALPHA * shares[gate.metric]

        def smallest(batch: int, metric: str = gate.metric, budget: float = alpha) -> float:
            return smallest_detectable(metric, sizes_of(rows, batch), alpha=budget, hypotheses=hypotheses[metric])

        yield BatchPlan(
            gate=name,
            metric=gate.metric,
            asked=gate.reveals,
            smallest={batch: smallest(batch) for batch in BATCHES},
            rows_needed=_rows_needed(smallest, gate.reveals),
        )


def _rows_needed(smallest: Callable[[int], float], asked: float | None) -> int | None:
    return 1 if asked is None else _fewest(lambda batch: smallest(batch) <= asked)


def plan_labels(auc: float, shares: Mapping[str, float]) -> Iterator[LabelPlan]:
    """Say how many labels a loss of AUC takes; `shares` gives the share of positives, or of a class, by subject.

    Hanley and McNeil's standard error, two-sided at 95 %; None where a share is 0 or 1.
    """
    for subject, share in shares.items():
        for loss in AUC_LOSSES:
            yield LabelPlan(subject=subject, change=loss, labels=_labels(auc, share, loss))


def plan_losses(losses: Mapping[str, NDArray[np.float64]]) -> Iterator[LabelPlan]:
    """Say how many labels a growth of the mean loss takes; `losses` gives those of some rows by subject.

    Two-sided at 95 %, the loss at release counting as known; None where no row costs anything or there are none.
    """
    for subject, found in losses.items():
        mean = float(found.mean()) if found.size else 0.0
        variation = float(found.std()) / mean if mean > 0 else math.inf
        for growth in GROWTHS:
            yield LabelPlan(subject=subject, change=growth, labels=_labels_of_growth(variation, growth))


def _labels_of_growth(variation: float, growth: float) -> int | None:
    def reveals(count: int) -> bool:
        found = mean_detectable_growth(count, variation).value
        return found is not None and found <= growth

    return _fewest(reveals)


def _labels(auc: float, share: float, loss: float) -> int | None:
    def reveals(count: int) -> bool:
        positives = round(count * share)
        found = auc_detectable_difference(positives, count - positives, auc).value
        return found is not None and found <= loss

    return _fewest(reveals)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """Return the smallest count up to ten million that is enough (within 1 %), given that more is never worse."""
    high = 10
    while not enough(high):
        high *= 2
        if high > MOST_ROWS:
            return None
    low = high // 2
    while high - low > max(1, high // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _hypotheses(file: GovernedModelFile) -> dict[str, int]:
    """Return how many hypotheses each family tests on a model's columns, at most."""
    names = inspected_columns(file.spec.contract)
    count = len(names)
    ordered = sum(file.spec.contract[name].type in ORDERED for name in names)
    together = min(count, MOST_TOGETHER)
    pairs = math.comb(together, 2)
    return {
        "batch_distribution_shift": ordered,
        "batch_level_shift": count,
        "batch_new_values": count,
        "batch_missing_shift": count,
        "batch_format_shift": count,
        "batch_extreme_values": ordered,
        "batch_repeated_rows": 3,
        "batch_standstill": count,
        "batch_dependence_shift": 3 * together,
        "batch_broken_relation": 3 * pairs,
        "batch_combination_shift": pairs,
        "batch_label_shift": count - 1 if file.spec.target in names else 0,
    }
