"""Judges measurements by a policy: what isn't proven good is not passed."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import assert_never

from ml_platform.core.measurement import Measurement, number_text
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.conditions import why_not_applicable
from ml_platform.policy.describe import describe, number
from ml_platform.policy.gates import AtLeast, AtMost, Between, Bound, Gate, Holds, Waiver
from ml_platform.policy.problems import nearest
from ml_platform.policy.resolve import Policy

CONFIDENCE = 0.95
_GRAVEST_FIRST = (Outcome.FAILED, Outcome.UNDECIDED, Outcome.PASSED)
_BOUNDS: dict[Bound, str] = {
    "value": "value", "low": "lower bound", "high": "upper bound", "interval": "interval",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What one gate says of one measurement; `margin` is the distance inside the limit (negative outside)."""

    outcome: Outcome
    reason: str
    worst: Measurement | None = None
    margin: float = math.inf


def judge(
    policy: Policy,
    stage: str,
    measurements: Sequence[Measurement],
    *,
    conditions: frozenset[str],
    now: dt.datetime,
) -> tuple[Verdict, ...]:
    """Return one verdict per gate of the stage, in the policy's order."""
    return tuple(
        judge_gate(policy, name, measurements, conditions=conditions, now=now) for name in policy.gates_of(stage)
    )


def outcome_of(gate: Gate, measurement: Measurement) -> Outcome:
    """Return what a gate that applies says of one measurement alone, waivers left aside."""
    return _judge_one(gate, measurement).outcome


def judge_gate(
    policy: Policy, name: str, measurements: Sequence[Measurement], *, conditions: frozenset[str], now: dt.datetime
) -> Verdict:
    """Return the verdict of one gate; judged again on the verdict's own measurements it comes out the same."""
    gate = policy.gates[name]
    measured = tuple(each for each in measurements if each.metric == gate.metric)
    # Who looks for a name that nobody measured has to see all that was measured: it stays with the verdict.
    used = measured if seen_of(gate, measured) is None else tuple(each for each in measured if _is_meant(gate, each))
    finding = _waive(_judge_gate(gate, measured, conditions), policy.waiver_of(name), now.date())
    return Verdict(
        gate=name,
        control=gate.control,
        stage=gate.stage,
        outcome=finding.outcome,
        severity=Severity(gate.severity),
        limit=describe(gate),
        reason=finding.reason,
        next_step=gate.next_step,
        policy_digest=policy.digest,
        worst=finding.worst,
        measurements=used,
    )


def seen_of(gate: Gate, measurements: Sequence[Measurement]) -> frozenset[str] | None:
    """Return the subjects that a gate's verdict holds everything about; None for all that were measured."""
    return None if gate.subjects is None or _absent(gate, measurements) else frozenset(gate.subjects)


def _is_meant(gate: Gate, measurement: Measurement) -> bool:
    return gate.subjects is None or measurement.subject in gate.subjects


def _judge_gate(gate: Gate, measured: Sequence[Measurement], conditions: frozenset[str]) -> _Finding:
    if other := why_not_applicable(gate, conditions):
        return _Finding(outcome=Outcome.NOT_APPLICABLE, reason=other)
    if not measured:
        return _Finding(outcome=Outcome.UNDECIDED, reason=f"{gate.metric} was never measured")
    findings = [_judge_one(gate, measurement) for measurement in measured if _is_meant(gate, measurement)]
    findings += [_never_measured(gate, name, measured) for name in _absent(gate, measured)]
    outcome = min((finding.outcome for finding in findings), key=_GRAVEST_FIRST.index)
    deciding = [finding for finding in findings if finding.outcome is outcome]
    worst = min(deciding, key=lambda finding: _rank(gate, finding))
    others = f" ({len(deciding)} of {len(findings)} subjects are so)" if len(findings) > 1 else ""
    return _Finding(outcome=outcome, reason=f"{worst.reason}{others}", worst=worst.worst, margin=worst.margin)


def _rank(gate: Gate, finding: _Finding) -> tuple[float, float]:
    """Order findings of one outcome for the reader, the worst first; what they open or close isn't changed by it.

    Where a whole interval is judged and doesn't keep the limit, what is proven counts first and the value second: few
    rows have the widest interval and prove the least. What can't be told comes after what can.
    """
    one = finding.worst
    if finding.outcome is Outcome.PASSED or isinstance(gate, Holds) or gate.judged_on != "interval" or one is None:
        return finding.margin, 0.0
    interval = _judged(one, "interval")
    if one.value is None or interval is None:
        return math.inf, 0.0
    return _best_margin(gate, interval), _margin(gate, one.value)


def _absent(gate: Gate, measured: Sequence[Measurement]) -> list[str]:
    """Return the subjects that a gate names and nobody measured, each once."""
    found = {measurement.subject for measurement in measured}
    return [name for name in gate.subjects or () if name not in found]


def _never_measured(gate: Gate, name: str, measured: Sequence[Measurement]) -> _Finding:
    hint = nearest((measurement.subject for measurement in measured), name)
    reason = f"{gate.metric} of {name} was never measured: nothing measured is named so. {hint}".rstrip()
    return _Finding(outcome=Outcome.UNDECIDED, reason=reason, margin=0.0)


def _judge_one(gate: Gate, measurement: Measurement) -> _Finding:
    bound = "value" if isinstance(gate, Holds) else gate.judged_on
    judged = _judged(measurement, bound)
    if measurement.value is None or judged is None:
        lacks = "" if measurement.value is None else f" has no {_BOUNDS[bound]}"
        return _undecided(measurement, f"{measurement.text()}{lacks}")
    if measurement.n < gate.minimum_n:
        return _undecided(measurement, f"{measurement.text()}; needed: n ≥ {gate.minimum_n:,}")
    margin = min(_margin(gate, one) for one in judged)
    text = f"{measurement.text()}; needed: {describe(gate)}{_power(gate, measurement)}"
    if not (math.isfinite(margin) and margin >= 0):
        if bound == "interval" and _best_margin(gate, judged) >= 0:
            return _undecided(
                measurement, f"{text}. The interval reaches both sides of the limit; more rows would tell"
            )
        if bound != "value" and _margin(gate, measurement.value) >= 0:
            text += ". The value alone would do; its evidence is too thin"
        return _Finding(outcome=Outcome.FAILED, reason=text, worst=measurement, margin=margin)
    if gate.reveals is not None and not _revealing(measurement, gate.reveals):
        shown = "none" if _smallest(measurement) is None else number_text(_smallest(measurement))
        text = f"{measurement.text()}; the smallest fault that it could have revealed is {shown}"
        return _undecided(measurement, f"{text}; needed: at most {number(gate.reveals)}. More rows are needed")
    return _Finding(outcome=Outcome.PASSED, reason=text, worst=measurement, margin=margin)


def _judged(measurement: Measurement, bound: Bound) -> tuple[float, ...] | None:
    """Return the bounds that must keep the limit; None when one is missing."""
    found = (measurement.low, measurement.high) if bound == "interval" else (getattr(measurement, bound),)
    known = tuple(float(one) for one in found if one is not None)
    return known if len(known) == len(found) else None


def _best_margin(gate: Gate, interval: tuple[float, ...]) -> float:
    """Return the margin of the interval's place that keeps the limit best."""
    low, high = min(interval), max(interval)
    inside = [min(max(edge, low), high) for edge in gate.limit] if isinstance(gate, Between) else []
    return max(_margin(gate, one) for one in (low, high, *inside))


def _smallest(measurement: Measurement) -> float | None:
    found = measurement.facts.get("smallest_detectable")
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else None


def _revealing(measurement: Measurement, needed: float) -> bool:
    smallest = _smallest(measurement)
    return smallest is not None and smallest <= needed


def _power(gate: Gate, measurement: Measurement) -> str:
    """Say how likely a candidate exactly as good as the champion is shown to keep the limit, where that is known."""
    error = measurement.facts.get("standard_error")
    if gate.when != "champion" or isinstance(gate, Between | Holds) or gate.judged_on == "value":
        return ""
    if not isinstance(error, float) or not error > 0:
        return ""
    normal = NormalDist()
    share = normal.cdf(_margin(gate, 0.0) / error - normal.inv_cdf(0.5 + (measurement.confidence or CONFIDENCE) / 2))
    return f". Of candidates exactly as good as the champion, {share:.0%} would pass on as many rows"


def _undecided(measurement: Measurement, reason: str) -> _Finding:
    return _Finding(outcome=Outcome.UNDECIDED, reason=reason, worst=measurement, margin=0.0)


def _margin(gate: Gate, judged: float) -> float:
    match gate:
        case AtLeast():
            return judged - gate.limit
        case AtMost():
            return gate.limit - judged
        case Between():
            return min(judged - gate.limit[0], gate.limit[1] - judged)
        case Holds():
            return 0.0 if judged == 1 else -1.0
        case _:
            assert_never(gate)


def _waive(finding: _Finding, waiver: Waiver | None, today: dt.date) -> _Finding:
    if waiver is None or finding.outcome.opens:
        return finding
    if waiver.expires < today:
        reason = f"{finding.reason}. The waiver of {waiver.owner} expired on {waiver.expires} and doesn't count"
        return _Finding(outcome=finding.outcome, reason=reason, worst=finding.worst)
    reason = f"{finding.outcome}, waived by {waiver.owner} until {waiver.expires}: {waiver.reason} ({finding.reason})"
    return _Finding(outcome=Outcome.WAIVED, reason=reason, worst=finding.worst)
