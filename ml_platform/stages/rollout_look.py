"""Rollout look: whether a challenger on live traffic goes on being tried, is promoted, stopped or given up.

`look_at_rollout(trial, traffic, since=, now=)` may be asked at any time and as often as one likes. The monitors share
the stated chance of a false stop in equal parts (a union bound); a promotion needs each of them to show that it isn't
worse by its margin, each at the whole chance: a version that is worse in one of them would have to fool just that one.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from ml_platform.core.measurement import Measurement
from ml_platform.policy.strategy import Canary, Shadow
from ml_platform.stages.rollout_monitors import (
    DUELS,
    ERRORS,
    MIRRORED,
    OUTCOMES,
    P95,
    P99,
    RATIO,
    SCORES,
    measure_canary,
    measure_shadow,
)
from ml_platform.stages.rollout_traffic import Arms, Pairs
from ml_platform.stages.rollout_words import chance, percent, said

LEAST_MIRRORED = 0.95  # of a shadow's requests; a challenger that is left out when it is slow would look fast


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """Neither is proven yet; the reasons say what is missing."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote:
    """It is proven that the challenger isn't worse by a margin in anything that is watched."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """It is proven that the challenger is worse in something: the champion stays, the version is bad."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The trial ends without a word on the version: time is over, or the comparison itself is broken."""

    reasons: tuple[str, ...]


Decision = Continue | Promote | Stop | GiveUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was measured, and what follows from it."""

    measurements: tuple[Measurement, ...]
    decision: Decision


def look_at_rollout(trial: Canary | Shadow, traffic: Arms | Pairs, *, since: dt.datetime, now: dt.datetime) -> Look:
    """Measure a trial's traffic and decide; what isn't proven by the end of its days ends it without promotion.

    `traffic` is what `arms_of` returns for a canary and `pairs_of` for a shadow. Raises TypeError for the other one.
    """
    match trial, traffic:
        case Canary(), Arms():
            measured = tuple(measure_canary(traffic, trial))
            requests, outcomes = int(traffic.ours.sum()), int(traffic.outcome_ours.sum())
        case Shadow(), Pairs():
            measured = tuple(measure_shadow(traffic, trial))
            requests, outcomes = traffic.failed[0].size, traffic.outcome_loss[0].size
        case Canary() | Shadow(), _:
            message = f"the traffic of a {trial.kind} is needed, not {type(traffic).__name__}"
            raise TypeError(message)
        case _:
            assert_never(trial)
    return Look(measurements=measured, decision=_decide(trial, measured, (requests, outcomes), now - since))


def wanted_of(trial: Canary | Shadow) -> tuple[str, ...]:
    """Return what a promotion waits for; outcomes only when the model file asks for some."""
    return tuple(name for name in DUELS if name != OUTCOMES or trial.least_labels)


def _decide(
    trial: Canary | Shadow, measured: Sequence[Measurement], counts: tuple[int, int], lasted: dt.timedelta
) -> Decision:
    worse = tuple(_worse(trial, measured))
    if worse:
        return Stop(reasons=worse)
    broken = tuple(_broken(trial, measured))
    if broken:
        return GiveUp(reasons=broken)
    missing = (*_too_few(trial, counts), *_unproven(trial, measured))
    if not missing:
        return Promote(reasons=tuple(_proven(trial, measured)))
    days = lasted / dt.timedelta(days=1)
    if days >= trial.most_days:
        late = f"{days:.1f} days have passed, {trial.most_days} are allowed"
        return GiveUp(reasons=(late, *missing))
    return Continue(reasons=missing)


def stopping_evidence(trial: Canary | Shadow) -> float:
    """Return the evidence that stops: each monitor has an equal part of the chance of a false stop."""
    monitors = len(DUELS) + (1 if isinstance(trial, Canary) else 0)
    return math.log(monitors / trial.false_decisions)


def promoting_evidence(trial: Canary | Shadow) -> float:
    """Return the evidence that each monitor needs for a promotion: a bad version would have to fool just one."""
    return -math.log(trial.false_decisions)


def margin_of(trial: Canary | Shadow, metric: str) -> float:
    """Return by how much a version may be worse in what a duel compares; raises KeyError for another metric."""
    latency = trial.latency_margin
    margins = {ERRORS: trial.error_margin, P95: latency, P99: latency, SCORES: trial.score_margin}
    return {**margins, OUTCOMES: trial.loss_margin}[metric]


def _worse(trial: Canary | Shadow, measured: Sequence[Measurement]) -> Iterator[str]:
    for one in measured:
        proven = one.metric in DUELS and _evidence(one, "evidence_worse") >= stopping_evidence(trial)
        if proven and (one.metric != SCORES or _is_beyond(one, trial.score_margin)):
            yield f"proven worse: {_proof(one, 'p_worse')}"


def _is_beyond(one: Measurement, margin: float) -> bool:
    """Say whether scores are off by more than the margin: another version's scores always differ, which isn't worse."""
    return one.low is not None and one.high is not None and (one.low >= margin or one.high <= -margin)


def _broken(trial: Canary | Shadow, measured: Sequence[Measurement]) -> Iterator[str]:
    for one in measured:
        if one.metric == RATIO and _evidence(one, "evidence") >= stopping_evidence(trial):
            sent = f"{_percent(one, 'share')} of the requests, {_percent(one, 'expected')} stated"
            yield f"requests aren't sent as stated, so the two can't be compared: {sent} ({_proof(one, 'p_value')})"


def _too_few(trial: Canary | Shadow, counts: tuple[int, int]) -> Iterator[str]:
    for name, count, least in (
        ("requests", counts[0], trial.least_requests),
        ("outcomes", counts[1], trial.least_labels),
    ):
        if count < least:
            yield f"the challenger has {count:,} {name}, {least:,} are needed"


def _unproven(trial: Canary | Shadow, measured: Sequence[Measurement]) -> Iterator[str]:
    for one in measured:
        if one.metric == MIRRORED and not (one.value is not None and one.value >= LEAST_MIRRORED):
            yield f"at least {LEAST_MIRRORED:.0%} of the requests have to be mirrored: {said(one)}"
        if one.metric in wanted_of(trial) and _evidence(one, "evidence_within") < promoting_evidence(trial):
            yield f"not yet proven within {_margin(trial, one)}: {_proof(one, 'p_within')}"


def _proven(trial: Canary | Shadow, measured: Sequence[Measurement]) -> Iterator[str]:
    for one in measured:
        if one.metric in wanted_of(trial):
            yield f"proven within {_margin(trial, one)}: {_proof(one, 'p_within')}"


def _margin(trial: Canary | Shadow, one: Measurement) -> str:
    return f"the margin of {percent(margin_of(trial, one.metric))}"


def _evidence(one: Measurement, name: str) -> float:
    """Return a logarithm of evidence; where nothing could be measured there is none."""
    found = one.facts.get(name)
    return found if isinstance(found, float) else -math.inf


def _proof(one: Measurement, p: str) -> str:
    return said(one) if one.value is None else f"{said(one)}, {chance(one.facts[p])}"


def _percent(one: Measurement, name: str) -> str:
    found = one.facts[name]
    return percent(found) if isinstance(found, float) else str(found)
