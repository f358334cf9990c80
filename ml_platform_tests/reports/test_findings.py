from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from ml_platform.core.compared import FILE, KIND, ComparedColumn, ComparedColumns
from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.core.verdict import Outcome, Severity
from ml_platform.policy.resolve import make_policy
from ml_platform.reports.compared_columns import read_compared
from ml_platform.reports.compared_plot import compared_plot
from ml_platform.reports.findings import finding_rows, findings_table
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.policy.gates_of import at_most
from ml_platform_tests.reports.verdicts import HOSTILE, verdict
from ml_platform_tests.reports.world import world

if TYPE_CHECKING:
    from pathlib import Path

    from ml_platform.core.verdict import Verdict

POLICY = make_policy(
    {"levels_are_as_before": at_most(0.01, stage="snapshot", metric="batch_level_shift")}, (), {}, ("test",)
)


def finding(effect: float = 0.25, *, p: float | None = 1e-9, subject: str = "carrier", **facts: Fact) -> Measurement:
    told = {"smallest_detectable": 0.031, "kind": "levels", "p_value": p, **facts}
    return Measurement(metric="batch_level_shift", value=effect, n=500, subject=subject, facts=told)


def judged(*found: Measurement, outcome: Outcome = Outcome.FAILED, **words: object) -> Verdict:
    given = {"gate": "levels_are_as_before", "stage": "snapshot", "limit": "≤ 0.01", "policy_digest": POLICY.digest}
    return verdict(outcome, worst=found[0], measurements=found, **given | words)


def test_a_finding_says_columns_effect_evidence_power_and_what_to_do() -> None:
    (row,) = finding_rows([judged(finding())], POLICY)
    assert row.cells == (
        "✗ failed", "levels_are_as_before", "levels", "carrier", "25 %", "p = 1e-09", "3.1 %", "Find out why.",
    )  # fmt: skip


def test_a_hard_rule_says_so_and_what_was_broken() -> None:
    (row,) = finding_rows([judged(finding(1.0, p=0.0, kind="schema", what="missing from the batch"))])
    assert row.evidence == "hard rule: missing from the batch"


@pytest.mark.parametrize(("p", "said"), [(0.0, "p < 1e-12"), (1e-300, "p < 1e-12"), (1e-12, "p = 1e-12")])
def test_a_chance_too_small_for_a_number_is_no_hard_rule(p: float, said: str) -> None:
    (row,) = finding_rows([judged(finding(p=p))])
    assert row.evidence == said


def test_a_gate_that_had_nothing_to_test_reveals_nothing() -> None:
    untested = Measurement(
        metric="batch_broken_relation", value=0.0, n=500, facts={"hypotheses": 0, "smallest_detectable": 0.0}
    )
    (row,) = finding_rows([judged(untested, outcome=Outcome.PASSED)])
    assert row.smallest == "-"


def test_what_stops_comes_first_then_warnings_then_what_is_tolerated_then_silence() -> None:
    silent = Measurement(metric="batch_standstill", value=0.0, n=500, facts={"smallest_detectable": None})
    rows = finding_rows(
        [
            judged(silent, outcome=Outcome.PASSED, gate="values_move"),
            judged(finding(0.3, subject="a"), severity=Severity.WARN),
            judged(finding(0.2, subject="b"), finding(0.005, subject="c"), finding(0.4, subject="d")),
        ],
        POLICY,
    )
    assert [row.columns for row in rows] == ["d", "b", "a", "c", "-"]
    assert [row.verdict for row in rows] == ["✗ failed", "✗ failed", "✗ failed (warns)", "~ tolerated", "✓ passed"]
    assert rows[3].next_step == "nothing: ≤ 0.01"
    assert (rows[4].kind, rows[4].smallest, rows[4].next_step) == ("none", "none", "-")


def test_at_the_limit_a_finding_is_tolerated_under_another_policy_nothing_is_known() -> None:
    (tolerated,) = finding_rows([judged(finding(0.01))], POLICY)
    (unknown,) = finding_rows([judged(finding(0.01), policy_digest="0" * 64)], POLICY)
    assert (tolerated.verdict, unknown.verdict) == ("~ tolerated", "✗ failed")


def test_a_batch_too_small_says_why_and_what_to_do() -> None:
    none = Measurement(metric="batch_level_shift", value=0.0, n=9)
    (row,) = finding_rows([judged(none, outcome=Outcome.UNDECIDED, reason="9 rows reveal nothing")], POLICY)
    assert (row.rank, row.kind, row.next_step) == (1, "9 rows reveal nothing", "Find out why.")


def test_a_waived_finding_is_shown_and_a_measurement_without_evidence_has_none() -> None:
    strange = finding(0.5, p=None, smallest_detectable=None)
    (row,) = finding_rows([judged(strange, outcome=Outcome.WAIVED)], POLICY)
    assert (row.verdict, row.evidence, row.smallest) == ("~ waived", "?", "none")


def test_other_gates_are_no_findings() -> None:
    assert finding_rows([verdict(), verdict(worst=None)]) == ()


def test_the_table_is_escaped_and_cut() -> None:
    page = findings_table([judged(*(finding(subject=HOSTILE) for _ in range(70)))], POLICY)
    assert "<script>" not in page
    assert page.count("\n") == 62
    assert "… and 10 more" in page


# The plot.


def column(**words: object) -> ComparedColumn:
    given = {
        "name": "carrier", "masked": False, "classes": ("dx", "up"), "reference": (0.6, 0.4), "new": (0.1, 0.4),
        "missing": (0.0, 0.5),
    }  # fmt: skip
    return ComparedColumn(**given | words)  # type: ignore[arg-type]


def compared(*columns: ComparedColumn) -> ComparedColumns:
    return ComparedColumns(reference_rows=2_000, new_rows=500, columns=columns)


def drawn(one: ComparedColumn) -> ET.Element:
    return ET.fromstring(compared_plot(one, compared(one)))  # noqa: S314  our own picture


def texts(picture: ET.Element) -> list[str]:
    return ["".join(each.itertext()) for each in picture.iter("text")]


def test_each_class_has_two_bars_and_its_shares_missing_comes_last() -> None:
    picture = drawn(column())
    assert len(list(picture.iter("rect"))) == 6
    said = texts(picture)
    assert said[:2] == ["reference (n = 2,000)", "new rows (n = 500)"]
    assert said[-6:] == ["dx", "60.0 % → 10.0 %", "up", "40.0 % → 40.0 %", "missing", "0.0 % → 50.0 %"]


def test_what_changed_most_is_in_bold() -> None:
    bold = [one.text for one in drawn(column(missing=(0.0, 0.1))).iter("text") if "strong" in one.attrib["class"]]
    assert bold == ["dx", "60.0 % → 10.0 %"]


def test_equal_sides_have_nothing_bold_and_no_row_for_missing() -> None:
    picture = drawn(column(new=(0.6, 0.4), missing=(0.0, 0.0)))
    assert "missing" not in texts(picture)
    assert not [one for one in picture.iter("text") if "strong" in one.attrib["class"]]


def test_bars_are_as_long_as_their_shares() -> None:
    widths = [float(one.attrib["width"]) for one in drawn(column()).iter("rect")]
    assert widths[1] / widths[0] == pytest.approx(1 / 6, rel=0.01)


def test_a_column_without_classes_is_drawn_and_a_trace_is_not_nothing() -> None:
    assert len(texts(drawn(column(classes=(), reference=(), new=(), missing=(0.0, 0.0))))) >= 2
    assert "100.0 % → < 0.1 %" in texts(drawn(column(classes=("x",), reference=(1.0,), new=(0.0004,))))


def test_hostile_names_and_levels_are_escaped() -> None:
    one = column(name=HOSTILE.replace("\ud800", ""), classes=(HOSTILE.replace("\ud800", ""), "b"))
    assert "<script>" not in compared_plot(one, compared(one))
    drawn(one)


# What was stored is found by its evidence.


def stored(store: FakeStore, content: bytes) -> list[Measurement]:
    store.put(KIND, "d" * 64, {FILE: content})
    return [finding(), finding(compared_columns="d" * 64)]


def test_compared_columns_are_read_where_the_evidence_says(tmp_path: Path) -> None:
    store, whole = FakeStore(tmp_path), compared(column())
    assert read_compared(store, stored(store, canonical_json(whole).encode())) == whole
    assert read_compared(store, [finding()]) is None


@pytest.mark.parametrize("content", [b"{", b"{}", b'{"schema_version":2,"reference_rows":1,"new_rows":1,"columns":[]}'])
def test_what_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    with pytest.raises(DataInvalid, match="take the snapshot again"):
        read_compared(store, stored(store, content))


def test_what_is_gone_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        read_compared(FakeStore(tmp_path), [finding(compared_columns="d" * 64)])


# The report.


def test_the_report_shows_findings_and_columns(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    stored(store, canonical_json(compared(column(name="weight", masked=True))).encode())
    report = world(store)
    verdicts = (*report.verdicts, judged(finding(compared_columns="d" * 64, subject=HOSTILE.replace("\ud800", ""))))
    page = replace(report, verdicts=verdicts).file("html")
    assert "What new rows showed" in page
    assert "<h3>weight</h3>" in page
    assert "no value is told" in page
    assert "60.0 % → 10.0 %" in page
    assert "<script>" not in page


def test_a_report_without_findings_has_no_such_section(tmp_path: Path) -> None:
    assert "What new rows showed" not in world(FakeStore(tmp_path)).file("html")


def test_a_report_says_which_plots_are_gone(tmp_path: Path) -> None:
    report = world(FakeStore(tmp_path))
    verdicts = (*report.verdicts, judged(finding(compared_columns="d" * 64)))
    page = replace(report, verdicts=verdicts).file("html")
    assert "What new rows showed" in page
    assert "No plots of the columns that findings name" in page
