from __future__ import annotations

from ml_platform.core.verdict import Outcome, Severity
from ml_platform.reports.markdown import closed_list, measurement_table, verdict_table
from ml_platform_tests.reports.verdicts import HOSTILE, auc, verdict


def test_verdicts_make_a_table_in_the_flows_order() -> None:
    found = verdict_table([verdict(limit="≥ 0.65"), verdict(stage="split", gate="rows", limit="≥ 1")])
    assert found.splitlines() == [
        "| verdict | stage | gate | control | seen | needed |",
        "| --- | --- | --- | --- | --- | --- |",
        "| ✓ passed | split | rows | METRICS | roc_auc = 0.768 [0.76, 0.776] (n = 14,872) | ≥ 1 |",
        "| ✓ passed | evaluation | auc_is_sufficient | METRICS | roc_auc = 0.768 [0.76, 0.776] (n = 14,872) | ≥ 0.65 |",
    ]


def test_measurements_make_a_table_and_undefined_ones_say_why() -> None:
    found = measurement_table([auc(subject="site=1"), auc(None, reason="one class only", low=None, high=None)])
    assert found.splitlines()[2:] == [
        "| roc_auc | site=1 | 0.768 | [0.76, 0.776] | 14,872 |",
        "| roc_auc | - | one class only | - | 14,872 |",
    ]


def test_measurements_that_are_left_out_are_counted() -> None:
    assert measurement_table([auc()] * 5, most_rows=2).splitlines()[-1] == "| … and 3 more |  |  |  |  |"


def test_only_gates_that_do_not_open_are_listed() -> None:
    warning = verdict(Outcome.FAILED, severity=Severity.WARN, gate="warned")
    found = closed_list([verdict(), verdict(Outcome.UNDECIDED, worst=None), warning])
    assert [line for line in found.splitlines() if line.startswith("- ")] == [
        "- ? **auc_is_sufficient** undecided (METRICS, blocks the path)",
        "- ✗ **warned** failed (METRICS, only warns)",
    ]
    assert closed_list([verdict()]) == ""


def test_a_hostile_level_stays_plain_text_in_its_cell() -> None:
    found = measurement_table([auc(subject=HOSTILE)]).splitlines()
    assert len(found) == 3
    assert found[2].count("|") == 6
    assert "<" not in found[2]
    assert "](" not in found[2]
    found[2].encode()
