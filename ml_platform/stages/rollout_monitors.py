"""Rollout monitors: in what a challenger may be worse than its champion, each measured for looks at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.arm_difference import arm_difference
from ml_platform.stats.pair_difference import pair_difference
from ml_platform.stats.sample_ratio import sample_ratio
from ml_platform.stats.share import share
from ml_platform.stats.shift_duel import shift_by_lot, shift_of_pairs
from ml_platform.stats.tail_duel import tail_by_lot, tail_of_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_platform.policy.strategy import Canary, Shadow
    from ml_platform.stages.rollout_traffic import Arms, Pairs

ERRORS, P95, P99, SCORES, OUTCOMES = (
    "rollout_errors",
    "rollout_latency_p95",
    "rollout_latency_p99",
    "rollout_scores",
    "rollout_outcomes",
)
RATIO, MIRRORED = "rollout_sample_ratio", "rollout_mirrored_share"
DUELS = (ERRORS, P95, P99, SCORES, OUTCOMES)


def measure_canary(arms: Arms, rules: Canary) -> Iterator[Measurement]:
    """Yield the sample ratio and the five duels of a canary."""
    confidence = 1 - rules.false_decisions
    count = int(arms.ours.sum())
    yield sample_ratio(
        [count, arms.ours.size - count], [arms.weight, 1 - arms.weight], metric=RATIO, confidence=confidence
    )
    chance = np.full(arms.ours.size, arms.weight)
    yield arm_difference(
        arms.failed, arms.ours, chance, margin=rules.error_margin, metric=ERRORS, unit="share", confidence=confidence
    )
    for metric, quantile in ((P95, 0.95), (P99, 0.99)):
        yield tail_by_lot(
            arms.latency,
            arms.ours,
            chance,
            quantile=quantile,
            margin=rules.latency_margin,
            past=arms.past.latency,
            metric=metric,
            confidence=confidence,
        )
    scored = np.isfinite(arms.score)
    yield shift_by_lot(
        arms.score[scored],
        arms.ours[scored],
        chance[scored],
        margin=rules.score_margin,
        past=arms.past.score,
        metric=SCORES,
        confidence=confidence,
    )
    yield arm_difference(
        arms.outcome_loss,
        arms.outcome_ours,
        np.full(arms.outcome_loss.size, arms.weight),
        margin=rules.loss_margin,
        relative=True,
        metric=OUTCOMES,
        confidence=confidence,
    )


def measure_shadow(pairs: Pairs, rules: Shadow) -> Iterator[Measurement]:
    """Yield which share of the requests the challenger answered too, and the five duels of a shadow."""
    confidence = 1 - rules.false_decisions
    both = pairs.failed[0].size
    yield share(np.arange(pairs.live) < both, metric=MIRRORED, confidence=confidence)
    yield pair_difference(*pairs.failed, margin=rules.error_margin, metric=ERRORS, unit="share", confidence=confidence)
    for metric, quantile in ((P95, 0.95), (P99, 0.99)):
        yield tail_of_pairs(
            *pairs.latency,
            quantile=quantile,
            margin=rules.latency_margin,
            past=pairs.past.latency,
            metric=metric,
            confidence=confidence,
        )
    scored = np.isfinite(pairs.score[0]) & np.isfinite(pairs.score[1])
    yield shift_of_pairs(
        pairs.score[0][scored],
        pairs.score[1][scored],
        margin=rules.score_margin,
        past=pairs.past.score,
        metric=SCORES,
        confidence=confidence,
    )
    yield pair_difference(
        *pairs.outcome_loss, margin=rules.loss_margin, relative=True, metric=OUTCOMES, confidence=confidence
    )
