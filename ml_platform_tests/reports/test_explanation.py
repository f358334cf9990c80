from __future__ import annotations

from ml_platform.core.verdict import Outcome
from ml_platform.reports.explanation import explanation
from ml_platform_tests.policy.gates_of import at_least, judged, measured
from ml_platform_tests.reports.verdicts import verdict


def test_nothing_is_left_to_explain_where_measurement_and_limit_say_it_all() -> None:
    assert explanation(judged(at_least(0.65), [measured(0.7)])) == ""


def test_thin_evidence_is_left_to_explain() -> None:
    found = judged(at_least(0.65, judged_on="low"), [measured(0.7, low=0.6, high=0.8)])
    assert explanation(found) == "The value alone would do; its evidence is too thin"


def test_how_many_subjects_failed_is_left_to_explain() -> None:
    found = judged(at_least(0.65), [measured(0.5, subject="a"), measured(0.6, subject="b"), measured(0.7)])
    assert explanation(found) == "2 of 3 subjects failed"


def test_too_few_rows_are_left_to_explain() -> None:
    assert explanation(judged(at_least(0.65, minimum_n=2000), [measured(0.7)])) == "needed: n ≥ 2,000"


def test_a_reason_of_another_kind_is_kept_whole() -> None:
    assert explanation(verdict(Outcome.WAIVED, reason="waived by pat")) == "waived by pat"
