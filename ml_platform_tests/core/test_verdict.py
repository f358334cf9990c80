"""Only three outcomes open a gate, and only a blocking gate closes the path."""

from __future__ import annotations

import pytest

from ml_platform.core.verdict import Outcome, Severity, Verdict


def verdict(outcome: Outcome, severity: Severity) -> Verdict:
    return Verdict(
        gate="auc_is_sufficient",
        control="METRICS",
        stage="evaluation",
        outcome=outcome,
        severity=severity,
        limit="≥ 0.7",
        reason="",
        next_step="",
        policy_digest="0" * 64,
    )


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_failed_or_undecided_blocking_gate_closes_and_nothing_else_does(outcome: Outcome) -> None:
    assert verdict(outcome, Severity.BLOCK).closes is (outcome in {Outcome.FAILED, Outcome.UNDECIDED})
    assert not verdict(outcome, Severity.WARN).closes
