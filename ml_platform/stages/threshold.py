"""Threshold: the score from which a decision is positive, chosen on calibration rows and never on the holdout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Costs
from ml_platform.stages.threshold_rule import (
    LargestYouden,
    LeastCost,
    PrecisionAtLeast,
    RecallAtLeast,
    SelectedShare,
    ThresholdRule,
    rule_text,
)

Floats = NDArray[np.float64]
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A decision is positive when score ≥ `value`; `rule` says how the value was found on `n` rows."""

    value: float
    rule: str
    selected_share: float
    n: int


def choose_threshold(score: Floats, target: Floats, rule: ThresholdRule) -> Threshold:
    """Return the threshold that keeps a rule on some rows.

    `score` (finite) and `target` (0/1) have the shape (n,). Rows of equal score are decided alike, so a little more
    than a wanted share may be selected. Of thresholds that are equally good the highest counts. By costs it may lie
    above all scores: then no row is worth a positive decision. Raises DataInvalid without rows, for one class where
    the rule needs both, and for a precision that no threshold reaches. Sources: Youden 1950, Index for rating
    diagnostic tests; Elkan 2001, The Foundations of Cost-Sensitive Learning, IJCAI.
    """
    if score.size == 0:
        raise DataInvalid(f"calibration rows: there are none; a threshold needs some; {_NEXT_STEP}")
    value = _value(score, target, rule)
    chosen = float((score >= value).mean())
    rule_said = f"{rule_text(rule)} on the calibration rows"
    return Threshold(value=value, rule=rule_said, selected_share=chosen, n=score.size)


_NEXT_STEP = "give the split a larger calibration part or set deployment.selected_share"


def _value(score: Floats, target: Floats, rule: ThresholdRule) -> float:
    match rule:
        case SelectedShare(share):
            return _top(score, share)
        case LargestYouden():
            return _largest_youden(_Cuts.of(score, target))
        case LeastCost(costs):
            return _least_cost(_Cuts.of(score, target), costs)
        case RecallAtLeast(share):
            cuts = _Cuts.of(score, target)
            return float(cuts.value[np.argmax(cuts.found / cuts.positives >= share - ROUNDING)])
        case PrecisionAtLeast(share):
            return _precise(_Cuts.of(score, target), share)
        case _:
            assert_never(rule)


def _top(score: Floats, share: float) -> float:
    rank = min(max(round(share * score.size), 1), score.size)
    return float(np.partition(score, score.size - rank)[score.size - rank])


@dataclass(frozen=True, slots=True)
class _Cuts:
    """Every score that rows have, from the highest down, and how many true outcomes and false alarms lie from it up."""

    value: Floats
    found: Floats
    alarms: Floats

    @classmethod
    def of(cls, score: Floats, target: Floats) -> _Cuts:
        """Count; DataInvalid for one class."""
        positives = float(target.sum())
        if not 0 < positives < target.size:
            seen = f"all {target.size:,} outcomes are of one class"
            raise DataInvalid(f"calibration rows: {seen}; a threshold needs both; {_NEXT_STEP}")
        order = np.argsort(-score, kind="stable")
        ranked, hits = score[order], target[order]
        last = np.append(ranked[1:] != ranked[:-1], True)
        return cls(ranked[last], np.cumsum(hits)[last], np.cumsum(1 - hits)[last])

    @property
    def positives(self) -> float:
        """The true outcomes."""
        return float(self.found[-1])

    @property
    def negatives(self) -> float:
        """The others."""
        return float(self.alarms[-1])


def _largest_youden(cuts: _Cuts) -> float:
    return float(cuts.value[np.argmax(cuts.found / cuts.positives - cuts.alarms / cuts.negatives)])


def _least_cost(cuts: _Cuts, costs: Costs) -> float:
    """Return the score at which the sum of costs is least; above all scores where deciding nobody costs no more."""
    saved = cuts.found * (costs.false_negative - costs.true_positive)
    spent = cuts.alarms * (costs.false_positive - costs.true_negative)
    best = int(np.argmax(saved - spent))
    nobody = float(np.nextafter(cuts.value[0], np.inf))
    return float(cuts.value[best]) if saved[best] > spent[best] else nobody


def _precise(cuts: _Cuts, share: float) -> float:
    reached = cuts.found / (cuts.found + cuts.alarms)
    enough = np.flatnonzero(reached >= share - ROUNDING)
    if not enough.size:
        message = (
            f"calibration rows: no threshold reaches a precision of {share:.4g}, the best is {reached.max():.4g}; "
            "deployment.precision_at_least needs one that does; lower it, or improve the features"
        )
        raise DataInvalid(message)
    return float(cuts.value[enough[-1]])
