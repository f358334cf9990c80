"""A gate's limit in words, as verdicts and reports show it."""

from __future__ import annotations

from typing import assert_never

from ml_platform.policy.gates import AtLeast, AtMost, Between, Bound, Gate, Holds

_BOUNDS: dict[Bound, str] = {
    "value": "", "low": " on the lower bound", "high": " on the upper bound", "interval": " over the whole interval",
}  # fmt: skip


def number(value: float) -> str:
    """Write a number as people do.

    >>> number(0.65), number(50_000_000.0), number(-0.01)
    ('0.65', '50,000,000', '-0.01')
    """
    if abs(value) >= 1000 and value == int(value):
        return f"{int(value):,}"
    return f"{value:.6g}"


def describe(gate: Gate) -> str:
    """Say a gate's limit in words.

    >>> from ml_platform.policy.gates import AtLeast
    >>> describe(AtLeast(kind="at_least", limit=0.65, judged_on="low", minimum_n=200, control="METRICS",
    ...                  stage="evaluation", metric="roc_auc", why="w", next_step="n"))
    '≥ 0.65 on the lower bound, n ≥ 200'
    """
    evidence = f", n ≥ {gate.minimum_n:,}" if gate.minimum_n > 1 else ""
    reveals = f", reveals {number(gate.reveals)}" if gate.reveals is not None else ""
    named = f" for {', '.join(gate.subjects)}" if gate.subjects else ""
    return f"{_limit(gate)}{named}{evidence}{reveals}"


def _limit(gate: Gate) -> str:
    match gate:
        case AtLeast():
            return f"≥ {number(gate.limit)}{_BOUNDS[gate.judged_on]}"
        case AtMost():
            return f"≤ {number(gate.limit)}{_BOUNDS[gate.judged_on]}"
        case Between():
            low, high = gate.limit
            return f"from {number(low)} to {number(high)}{_BOUNDS[gate.judged_on]}"
        case Holds():
            return "holds"
        case _:
            assert_never(gate)
