"""An override may make a gate stricter; what would make it looser is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from ml_platform.policy.describe import number
from ml_platform.policy.gates import AtLeast, AtMost, Between, Gate, Holds, Override
from ml_platform.policy.problems import Problem, Where, path_text, seen

_WAIVER = "an override only tightens; to let the gate stay closed for a while, write a waiver (owner, reason, expires)"


def tighten(gate: Gate, override: Override, where: Where) -> tuple[Gate, list[Problem]]:
    """Return the stricter gate and no problems, or the gate as it was and all that is wrong at `where`."""
    found = list(_problems(gate, override))
    if found:
        return gate, [
            Problem((*where, key) if key else where, f"{path_text((*where, key) if key else where)} {text}")
            for key, text in found
        ]
    changes = {name: getattr(override, name) for name in ("limit", "severity", "minimum_n", "reveals", "why")}
    return gate.model_copy(update={name: value for name, value in changes.items() if value is not None}), []


def _problems(gate: Gate, override: Override) -> Iterator[tuple[str, str]]:
    if all(word is None for word in (override.limit, override.severity, override.minimum_n, override.reveals)):
        yield "", "changes nothing; give a limit, severity, minimum_n or reveals, or remove it"
    if override.limit is not None:
        yield from (("limit", text) for text in _limit_problems(gate, override.limit))
    if override.severity == "warn" and gate.severity == "block":
        yield "severity", f"is 'warn', looser than 'block'; {_WAIVER}"
    if override.minimum_n is not None and override.minimum_n < gate.minimum_n:
        yield "minimum_n", f"is {override.minimum_n}, looser than {gate.minimum_n}; {_WAIVER}"
    if override.reveals is not None and gate.reveals is not None and override.reveals > gate.reveals:
        yield "reveals", f"is {number(override.reveals)}, looser than {number(gate.reveals)}; {_WAIVER}"


def _limit_problems(gate: Gate, limit: float | tuple[float, float]) -> list[str]:
    match gate:
        case Holds():
            return [f"is {seen(limit)}, but the gate holds or doesn't: it has no limit; remove it"]
        case Between():
            return _pair_problems(gate, limit)
        case AtLeast() | AtMost():
            if isinstance(limit, tuple):
                return [f"is {seen(limit)}; needed: one number, as the gate is '{gate.kind}'"]
            looser = limit < gate.limit if isinstance(gate, AtLeast) else limit > gate.limit
            return [f"is {number(limit)}, looser than {number(gate.limit)}; {_WAIVER}"] if looser else []
        case _:
            assert_never(gate)


def _pair_problems(gate: Between, limit: float | tuple[float, float]) -> list[str]:
    if not isinstance(limit, tuple):
        return [f"is {seen(limit)}; needed: [low, high], as the gate is 'between'"]
    if limit[0] > limit[1]:
        return [f"is {seen(limit)}; needed: low ≤ high"]
    if limit[0] < gate.limit[0] or limit[1] > gate.limit[1]:
        return [f"is {seen(limit)}, wider than {seen(gate.limit)}; {_WAIVER}"]
    return []


def strictest(one: Gate, other: Gate) -> Gate:
    """Return the same gate with the stricter limit, severity and evidence of two tightenings of it."""
    changes: dict[str, object] = {"minimum_n": max(one.minimum_n, other.minimum_n)}
    asked = [gate.reveals for gate in (one, other) if gate.reveals is not None]
    changes["reveals"] = min(asked, default=None)
    if "block" in {one.severity, other.severity}:
        changes["severity"] = "block"
    match one, other:
        case AtLeast(), AtLeast():
            changes["limit"] = max(one.limit, other.limit)
        case AtMost(), AtMost():
            changes["limit"] = min(one.limit, other.limit)
        case Between(), Between():
            changes["limit"] = (max(one.limit[0], other.limit[0]), min(one.limit[1], other.limit[1]))
    return one.model_copy(update=changes)
