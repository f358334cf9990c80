"""Threshold rules: by what a score becomes a decision; a model has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from ml_platform.policy.spec import Costs, Deployment


@dataclass(frozen=True, slots=True)
class SelectedShare:
    """As many rows are positive as the share of the highest scores says."""

    share: float


@dataclass(frozen=True, slots=True)
class LargestYouden:
    """The true-positive rate exceeds the false-positive rate by as much as it can."""


@dataclass(frozen=True, slots=True)
class LeastCost:
    """The decisions' mean cost is as small as it can be."""

    costs: Costs


@dataclass(frozen=True, slots=True)
class RecallAtLeast:
    """As few rows are positive as finding this share of the true outcomes takes."""

    share: float


@dataclass(frozen=True, slots=True)
class PrecisionAtLeast:
    """As many rows are positive as this share of right ones among them allows."""

    share: float


ThresholdRule = SelectedShare | LargestYouden | LeastCost | RecallAtLeast | PrecisionAtLeast


def rule_of(deployment: Deployment) -> ThresholdRule:
    """Return the rule that a checked model file states; the largest Youden index where it states none."""
    if deployment.selected_share is not None:
        return SelectedShare(deployment.selected_share)
    if deployment.costs is not None:
        return LeastCost(deployment.costs)
    if deployment.recall_at_least is not None:
        return RecallAtLeast(deployment.recall_at_least)
    if deployment.precision_at_least is not None:
        return PrecisionAtLeast(deployment.precision_at_least)
    return LargestYouden()


def rule_text(rule: ThresholdRule) -> str:
    """Say the rule as the model's record keeps it."""
    match rule:
        case SelectedShare(share):
            return f"highest {share:.4g} of the scores"
        case LargestYouden():
            return "largest Youden index"
        case LeastCost(costs):
            named = ", ".join(f"{name.replace('_', ' ')} {cost:g}" for name, cost in costs.model_dump().items())
            return f"least cost ({named})"
        case RecallAtLeast(share):
            return f"highest threshold with a recall of at least {share:.4g}"
        case PrecisionAtLeast(share):
            return f"lowest threshold with a precision of at least {share:.4g}"
        case _:
            assert_never(rule)
