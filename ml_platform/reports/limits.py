"""Limits as numbers: which values a gate allows, for drawing them beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from ml_platform.policy.gates import AtLeast, AtMost, Between, Bound, Gate, Holds

if TYPE_CHECKING:
    from ml_platform.core.verdict import Verdict
    from ml_platform.policy.resolve import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a gate allows, from `low` to `high` (None: without end), of which bound, and whether it only warns."""

    low: float | None = None
    high: float | None = None
    judged_on: Bound = "value"
    warns: bool = False

    @property
    def edges(self) -> tuple[float, ...]:
        """Return the limits that there are."""
        return tuple(edge for edge in (self.low, self.high) if edge is not None)


def allowed_by(gate: Gate) -> Allowed | None:
    """Return what a gate allows; None for a fact, which has no scale."""
    match gate:
        case AtLeast():
            return Allowed(low=gate.limit, judged_on=gate.judged_on, warns=gate.severity == "warn")
        case AtMost():
            return Allowed(high=gate.limit, judged_on=gate.judged_on, warns=gate.severity == "warn")
        case Between():
            low, high = gate.limit
            return Allowed(low=low, high=high, judged_on=gate.judged_on, warns=gate.severity == "warn")
        case Holds():
            return None
        case _:
            assert_never(gate)


def gate_of(verdict: Verdict, policy: Policy | None) -> Gate | None:
    """Return the gate that a verdict speaks for; None unless the policy is the very one it was judged under."""
    if policy is None or policy.digest != verdict.policy_digest:
        return None
    return policy.gates.get(verdict.gate)


def limits_on(metric: str, stage: str, policy: Policy | None) -> tuple[Allowed, ...]:
    """Return what the gates on a metric allow, whatever it was measured of."""
    gates = policy.gates_of(stage).values() if policy else ()
    found = (allowed_by(gate) for gate in gates if gate.metric == metric and gate.subjects is None)
    return tuple(allowed for allowed in found if allowed is not None)
