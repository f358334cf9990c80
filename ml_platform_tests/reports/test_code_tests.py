from __future__ import annotations

from xml.etree import ElementTree as ET

from ml_platform.core.code_tests import By, CodeTest, CodeTestsRecord, Tried
from ml_platform.reports.code_junit import code_junit_xml
from ml_platform.reports.code_tests import code_test_lines
from ml_platform_tests.reports.verdicts import HOSTILE

CODE = "c" * 64


def record(*tests: CodeTest) -> CodeTestsRecord:
    return CodeTestsRecord(
        model="parcels", digest="d", code_digest=CODE, platform_digest="p", own_digest="o", tests=tests
    )


def one(outcome: Tried, by: By = By.PLATFORM, *, reason: str = "") -> CodeTest:
    step = "Correct it." if outcome is Tried.FAILED else ""
    return CodeTest(name=f"is_{outcome.value}", by=by, outcome=outcome, reason=reason, next_step=step)


EVERY = record(
    one(Tried.PASSED), one(Tried.FAILED, reason="features.py:3: seen"), one(Tried.UNTRIED, reason="gone"),
    one(Tried.NOT_APPLICABLE, reason="no fit"), one(Tried.PASSED, By.TEAM),
)  # fmt: skip


def test_each_outcome_becomes_what_ci_systems_show() -> None:
    root = ET.fromstring(code_junit_xml(EVERY))  # noqa: S314  our own file
    platform, team = root
    assert platform.attrib == {
        "name": "parcels.platform", "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    assert [[child.tag for child in case] for case in platform.iter("testcase")] == [
        [], ["failure"], ["error"], ["skipped"],
    ]  # fmt: skip
    assert team.attrib["tests"] == "1"
    found = platform.find(".//failure")
    assert found is not None
    assert (found.get("message"), found.text) == ("features.py:3: seen", "Correct it.")
    told = platform.find("properties/property")
    assert told is not None
    assert told.get("value") == CODE


def test_without_own_tests_there_is_no_suite_of_them() -> None:
    root = ET.fromstring(code_junit_xml(record(one(Tried.PASSED))))  # noqa: S314  our own file
    assert [suite.get("name") for suite in root] == ["parcels.platform"]


def test_hostile_names_stay_text() -> None:
    test = CodeTest(name=HOSTILE, by=By.TEAM, outcome=Tried.FAILED, reason=HOSTILE)
    assert len(ET.fromstring(code_junit_xml(record(test)))) == 1  # noqa: S314  our own file


def test_the_terminal_tells_what_was_seen_and_what_to_do() -> None:
    assert list(code_test_lines(EVERY)) == [
        "the platform's tests · 1 passed, 1 failed, 1 not tried, 1 n/a",
        "✓ passed     is_passed",
        "✗ failed     is_failed",
        "             seen  features.py:3: seen",
        "             do    Correct it.",
        "? not tried  is_untried",
        "             seen  gone",
        "– n/a        is_not_applicable",
        "             seen  no fit",
        "",
        "the team's own tests · 1 passed",
        "✓ passed     is_passed",
        "",
        "code cccccccccccc: 2 passed, 1 failed, 1 not tried, 1 n/a",
    ]
    assert "the team's own tests · none" in list(code_test_lines(record(one(Tried.PASSED))))
