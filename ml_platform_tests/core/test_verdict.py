"""Only three outcomes open a gate, and only a blocking gate closes the path."""

from __future__ import annotations

from dataclasses import replace

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


def test_a_verdict_is_printed_in_a_line_and_says_what_to_do_only_where_it_is_closed() -> None:
    closed = replace(verdict(Outcome.FAILED, Severity.WARN), reason="roc_auc = 0.6", next_step="Look again.")
    assert str(closed) == "auc_is_sufficient failed (only warns): roc_auc = 0.6\n  Look again."
    assert str(replace(closed, outcome=Outcome.PASSED)) == "auc_is_sufficient passed: roc_auc = 0.6"
    assert str(replace(closed, severity=Severity.BLOCK)).startswith("auc_is_sufficient failed: ")
