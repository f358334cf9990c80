from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.verdict import Outcome, Severity
from ml_platform.reports.junit import junit_xml
from ml_platform_tests.reports.verdicts import HOSTILE, auc, verdict


def test_each_outcome_becomes_what_ci_systems_show() -> None:
    told = [
        verdict(gate="passed"),
        verdict(Outcome.FAILED, gate="failed"),
        verdict(Outcome.UNDECIDED, gate="undecided", worst=None),
        verdict(Outcome.FAILED, gate="warned", severity=Severity.WARN),
        verdict(Outcome.WAIVED, gate="waived"),
        verdict(Outcome.NOT_APPLICABLE, gate="elsewhere"),
    ]
    root = ET.fromstring(junit_xml("flights", told))  # noqa: S314  our own file
    (suite,) = root
    assert suite.attrib == {
        "name": "flights.evaluation", "tests": "6", "failures": "1", "errors": "1", "skipped": "2",
    }  # fmt: skip
    assert [[child.tag for child in case] for case in suite] == [
        [], ["failure"], ["error"], ["system-out"], ["skipped"], ["skipped"],
    ]  # fmt: skip


def test_a_failure_holds_numbers_limit_and_next_step() -> None:
    root = ET.fromstring(junit_xml("flights", [verdict(Outcome.FAILED)]))  # noqa: S314  our own file
    failure = root.find(".//failure")
    assert failure is not None
    assert (failure.text or "").splitlines()[:3] == [
        "seen: roc_auc = 0.768 [0.76, 0.776] (n = 14,872)",
        "needed: ≥ 0.65 on the lower bound, n ≥ 200",
        "do: Find out why.",
    ]


def test_a_suite_per_stage_stands_in_the_flows_order() -> None:
    root = ET.fromstring(junit_xml("flights", [verdict(), verdict(stage="source")]))  # noqa: S314  our own file
    assert [suite.get("name") for suite in root] == ["flights.source", "flights.evaluation"]


@given(st.text(max_size=40) | st.just(HOSTILE))
def test_any_text_gives_a_well_formed_file(text: str) -> None:
    failed = verdict(Outcome.FAILED, gate=text, stage=text, reason=text, worst=auc(subject=text))
    ET.fromstring(junit_xml(text, [failed]).encode())  # noqa: S314  our own file
