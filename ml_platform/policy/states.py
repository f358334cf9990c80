"""The state of every control for one model: what its gates said, and where nothing was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ml_platform.core.records import EvidencePart
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.policy.conditions import of_another_task
from ml_platform.policy.controls import CONTROLS, Control
from ml_platform.policy.gates import Gate
from ml_platform.policy.resolve import Policy

State = Literal["enforced", "violated", "undecided", "waived", "not_applicable", "no_gate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlState:
    """What is known of one control: its state, the gates that speak for it, and why the state is so."""

    id: str
    area: str
    title: str
    state: State
    gates: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    gate: str
    severity: str
    outcome: Outcome
    reason: str


def control_states(policy: Policy, parts: Mapping[str, EvidencePart | None]) -> list[ControlState]:
    """Return the state of every control in the catalogue's order; `parts` holds each stage's newest verdicts.

    Gates on what models of another task predict don't speak, nor do verdicts under another policy. Blocking gates
    decide; warnings decide where none of them applies. Enforced is only what at least one gate was judged on and let
    through; how many of them applied is said.
    """
    known = frozenset(condition for part in parts.values() if part for condition in part.conditions)
    speaking = {name: gate for name, gate in policy.gates.items() if not of_another_task(gate, known)}
    return [_state(control, policy, speaking, parts) for control in CONTROLS.values()]


def _state(
    control: Control, policy: Policy, speaking: Mapping[str, Gate], parts: Mapping[str, EvidencePart | None]
) -> ControlState:
    heard = [
        _hear(name, gate, policy, parts.get(gate.stage))
        for name, gate in speaking.items()
        if gate.control == control.id
    ]
    state, reason = _sum_up(heard)
    return ControlState(
        id=control.id,
        area=control.area,
        title=control.title,
        state=state,
        gates=tuple(each.gate for each in heard),
        reason=reason,
    )


def _hear(name: str, gate: Gate, policy: Policy, part: EvidencePart | None) -> _Heard:
    def say(outcome: Outcome, reason: str) -> _Heard:
        return _Heard(gate=name, severity=gate.severity, outcome=outcome, reason=f"{name}: {reason}")

    if part is None:
        return say(Outcome.UNDECIDED, f"{gate.stage} was never judged")
    if part.policy_digest != policy.digest:
        return say(Outcome.UNDECIDED, f"{gate.stage} was judged under another policy; run it again")
    verdict = next((each for each in part.verdicts if each.gate == name), None)
    return say(*_said(verdict, policy.digest)) if verdict else say(Outcome.UNDECIDED, "has no verdict")


def _said(verdict: Verdict, policy_digest: str) -> tuple[Outcome, str]:
    if verdict.policy_digest != policy_digest:
        return Outcome.UNDECIDED, "was judged under another policy; run it again"
    return verdict.outcome, verdict.reason


def _sum_up(heard: Sequence[_Heard]) -> tuple[State, str]:
    if not heard:
        return "no_gate", "no gate of the policy speaks for it"
    blocking = [each for each in heard if each.severity == "block"]
    applies = any(each.outcome is not Outcome.NOT_APPLICABLE for each in blocking)
    deciding = blocking if applies else list(heard)
    order: tuple[tuple[Outcome, State], ...] = (
        (Outcome.FAILED, "violated"),
        (Outcome.UNDECIDED, "undecided"),
        (Outcome.WAIVED, "waived"),
        (Outcome.PASSED, "enforced"),
    )
    for outcome, state in order:
        found = [each for each in deciding if each.outcome is outcome]
        if found:
            return state, _reason(state, found, deciding) + _warnings(heard, deciding)
    return "not_applicable", "; ".join(dict.fromkeys(each.reason for each in blocking or deciding))


def _reason(state: State, found: Sequence[_Heard], deciding: Sequence[_Heard]) -> str:
    if state == "enforced":
        apart = [each.gate for each in deciding if each.outcome is Outcome.NOT_APPLICABLE]
        if apart:
            passed = (
                f"{len(found)} of {len(deciding)} gates applied and passed ({', '.join(each.gate for each in found)})"
            )
            return f"{passed}; not applicable: {', '.join(apart)}"
        return f"{len(found)} of {len(deciding)} gates passed"
    return "; ".join(each.reason for each in found)


def _warnings(heard: Sequence[_Heard], deciding: Sequence[_Heard]) -> str:
    closed = [each.reason for each in heard if each not in deciding and not each.outcome.opens]
    return f"; warnings: {'; '.join(closed)}" if closed else ""
