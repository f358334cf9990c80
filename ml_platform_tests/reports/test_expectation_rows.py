"""What a report says of declared expectations: each with what was expected, what was seen, and its own verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.policy.gates import Gate
from ml_platform.reports.content import Content
from ml_platform.reports.expectation_rows import expectation_rows
from ml_platform.reports.html import html_page
from ml_platform.reports.measured_rows import MeasuredRows
from ml_platform.reports.report_markdown import markdown_page
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.policy.gates_of import at_most
from ml_platform_tests.reports.page import read
from ml_platform_tests.reports.world import NOW, judged, policy, world


def share(metric: str, subject: str, value: float | None, high: float | None) -> list[Measurement]:
    """Measure a share and how far it is beyond the allowed 0.1."""
    facts: Mapping[str, Fact] = {"expected": "in few rows", "allowed": 0.1}
    words = {"subject": subject, "n": 300, "reason": "" if value is not None else "no rows", "facts": facts}
    low = None if value is None else value - 0.01
    beyond = [None if one is None else one - 0.1 for one in (value, low, high)]
    return [
        Measurement(metric=f"{metric}_share", value=value, low=low, high=high, **words),  # type: ignore[arg-type]
        Measurement(metric=f"{metric}_excess", value=beyond[0], low=beyond[1], high=beyond[2], **words),  # type: ignore[arg-type]
    ]


MEASURED = (
    Measurement(
        metric="edge_cases_missed", subject="storm", value=0.0, n=1,
        facts={"expected": "score at least 0.3", "score": 0.4, "never_seen_in_training": "site"},
    ),
    Measurement(
        metric="edge_cases_missed", subject="calm", value=1.0, n=1,
        facts={"expected": "decision negative", "decision": "positive"},
    ),
    Measurement(metric="edge_cases_missed", subject="odd", value=None, n=0, reason="code changed"),
    *share("invariance_broken", "wind", 0.05, 0.09),
    *share("direction_broken", "load +1", 0.05, 0.11),
    *share("direction_broken", "a<b +1", None, None),
)  # fmt: skip
GATES: Mapping[str, Gate] = {
    "edge_cases_are_met": at_most(0.0, metric="edge_cases_missed"),
    "decisions_are_invariant": at_most(0.0, metric="invariance_broken_excess", judged_on="high"),
    "scores_move_as_expected": at_most(
        0.0, metric="direction_broken_excess", judged_on="high", severity="warn", when="always"
    ),
}


def declared(folder: Path, gates: Mapping[str, Gate] = GATES) -> Content:
    """Return the content of a report whose model file declares expectations, judged by these gates."""
    one, its_policy = world(FakeStore(folder), MEASURED), policy(**gates)
    return replace(one, policy=its_policy, verdicts=judged(MEASURED, its_policy, one.spec)).content()


def test_each_expectation_has_its_own_verdict_in_the_files_order(tmp_path: Path) -> None:
    content = declared(tmp_path)
    rows = expectation_rows(content, MeasuredRows(content))
    assert [row.texts for row in rows] == [
        ("edge case: storm", "score at least 0.3", "score 0.4, never seen in training: site", "-", "passed"),
        ("edge case: calm", "decision negative", "decision positive", "-", "failed"),
        ("edge case: odd", "", "code changed", "-", "undecided"),
        ("invariance: wind", "in few rows", "otherwise in 5 % [4, 9]", "300", "passed"),
        ("direction: load +1", "in few rows", "otherwise in 5 % [4, 11]", "300", "failed"),
        ("direction: a<b +1", "in few rows", "no rows", "300", "undecided"),
    ]
    assert [row.tone for row in rows] == ["passed", "failed", "undecided", "passed", "warned", "warned"]


def test_an_expectation_without_a_gate_is_not_judged(tmp_path: Path) -> None:
    content = declared(tmp_path, {})
    rows = expectation_rows(content, MeasuredRows(content))
    assert {(row.word, row.tone) for row in rows} == {("not judged", "not_applicable")}


def test_the_page_shows_them_and_each_leads_to_its_measurement(tmp_path: Path) -> None:
    content = declared(tmp_path)
    text = html_page(content, now=NOW)
    page = read(text)
    assert "What was expected of it" in page.text
    assert "a<b +1" in page.text
    assert all(f"#{row.anchor}" in page.links for row in expectation_rows(content, MeasuredRows(content)))
    assert "| edge case: calm | decision negative | decision positive |" in markdown_page(content, now=NOW)


def test_a_model_without_expectations_has_no_such_section(tmp_path: Path) -> None:
    content = world(FakeStore(tmp_path)).content()
    assert "What was expected of it" not in html_page(content, now=NOW)
    assert "What was expected of it" not in markdown_page(content, now=NOW)
