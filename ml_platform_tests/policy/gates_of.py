"""Gates, measurements and policies made for a test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Verdict
from ml_platform.policy.gates import AtLeast, AtMost, Between, Bound, Gate, Holds, Waiver
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import Policy, make_policy

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
_WORDS = {"control": "METRICS", "stage": "evaluation", "metric": "roc_auc", "why": "because", "next_step": "do this"}


def at_least(limit: float, *, judged_on: Bound = "value", **words: object) -> AtLeast:
    """Make a gate `at_least`."""
    return AtLeast.model_validate({**_WORDS, "kind": "at_least", "limit": limit, "judged_on": judged_on, **words})


def at_most(limit: float, *, judged_on: Bound = "value", **words: object) -> AtMost:
    """Make a gate `at_most`."""
    return AtMost.model_validate({**_WORDS, "kind": "at_most", "limit": limit, "judged_on": judged_on, **words})


def between(low: float, high: float, **words: object) -> Between:
    """Make a gate `between`."""
    return Between.model_validate({**_WORDS, "kind": "between", "limit": (low, high), **words})


def holds(**words: object) -> Holds:
    """Make a gate `holds`."""
    return Holds.model_validate({**_WORDS, "kind": "holds", **words})


def measured(value: float | None, *, n: int = 1000, **words: object) -> Measurement:
    """Make a measurement of the gates' metric."""
    return Measurement(**{"metric": "roc_auc", "value": value, "n": n, **words})  # type: ignore[arg-type]


def waiver(gate: str = "claim", *, expires: dt.date = dt.date(2026, 12, 31)) -> Waiver:
    """Make a waiver."""
    return Waiver(gate=gate, owner="pat", reason="agreed with the board", expires=expires)


def policy_of(gates: Mapping[str, Gate], *waivers: Waiver) -> Policy:
    """Make a policy of gates."""
    return make_policy(gates, waivers, {}, ("test",))


def judged(
    gate: Gate, measurements: Sequence[Measurement], *waivers: Waiver, conditions: frozenset[str] = frozenset()
) -> Verdict:
    """Judge measurements by one gate named `claim`."""
    (verdict,) = judge(policy_of({"claim": gate}, *waivers), gate.stage, measurements, conditions=conditions, now=NOW)
    return verdict
