from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.describe import describe
from ml_platform.reports.outcomes import warning_text
from ml_platform.reports.terminal import WIDTH, verdict_lines
from ml_platform_tests.policy.gates_of import at_least, at_most, holds
from ml_platform_tests.reports.verdicts import HOSTILE, auc, verdict

NOTHING_TO_COMPARE = "applies only when another version is live to compare with"


def test_lines_are_grouped_by_stage_in_the_flows_order_and_aligned() -> None:
    rows = auc(8.0, metric="row_count", low=None, high=None, n=8, unit="rows")
    found = verdict_lines(
        [
            verdict(),
            verdict(Outcome.NOT_APPLICABLE, gate="no_worse_than_champion", worst=None, reason=NOTHING_TO_COMPARE),
            verdict(gate="snapshot_has_rows", stage="snapshot", limit="≥ 500", worst=rows),
        ]
    )
    assert found == [
        "snapshot · 1 gate: 1 passed",
        "✓ passed     snapshot_has_rows       row_count = 8 rows (n = 8)                  needed ≥ 500",
        "",
        "evaluation · 2 gates: 1 passed, 1 not applicable",
        "✓ passed     auc_is_sufficient       roc_auc = 0.768 [0.76, 0.776] (n = 14,872)  needed ≥ 0.65 on low",
        f"- n/a        no_worse_than_champion  {NOTHING_TO_COMPARE}",
        "",
        "3 gates: 2 passed, 1 not applicable",
    ]


def of_others(name: str, metric: str = "r_squared") -> Verdict:
    reason = f"{metric} is measured of regression models, this one is binary"
    return verdict(Outcome.NOT_APPLICABLE, gate=name, worst=None, reason=reason)


def test_gates_of_other_kinds_of_models_share_one_line_unless_every_one_is_asked_for() -> None:
    champion = verdict(Outcome.NOT_APPLICABLE, gate="champion", worst=None, reason=NOTHING_TO_COMPARE)
    given = [verdict(), of_others("variance_is_explained"), champion, of_others("errors_are_balanced", "bias_share")]
    found = verdict_lines(given)
    assert found[0] == "evaluation · 4 gates: 1 passed, 3 not applicable"
    assert found[2:4] == [
        f"- n/a        champion           {NOTHING_TO_COMPARE}",
        "- n/a        2 gates of models that predict something else",
    ]
    every = "\n".join(verdict_lines(given, every=True))
    assert "r_squared is measured of regression models, this one is binary" in every
    assert "bias_share" in every
    assert "something else" not in every


def test_a_long_reason_is_followed_by_no_empty_line() -> None:
    reason = "applies only when " + "three earlier runs of a stage were measured, " * 3
    found = verdict_lines([verdict(Outcome.NOT_APPLICABLE, gate="stage_cpu_is_stable", worst=None, reason=reason)])
    assert [line for line in found if not line.strip()] == [""]


def test_where_every_gate_is_of_other_kinds_of_models_they_are_counted() -> None:
    assert verdict_lines([of_others("variance_is_explained")]) == [
        "evaluation · 1 gate: 1 not applicable",
        "- n/a        1 gate of models that predict something else",
        "",
        "1 gate: 1 not applicable",
    ]


def test_a_closed_gate_says_its_control_why_and_what_to_do() -> None:
    reason = f"{auc().text()}; needed: ≥ 0.9 (2 of 3 subjects are so)"
    found = verdict_lines([verdict(Outcome.FAILED, limit="≥ 0.9", reason=reason)])
    for_, why, do = (line.strip() for line in found[2:5])
    assert for_.startswith("for  METRICS (Candidates clear floors")
    assert for_.endswith("; blocks the path")
    assert why == "why  2 of 3 subjects failed"
    assert do == "do   Find out why."


def test_a_closed_gate_that_only_warns_says_so() -> None:
    found = verdict_lines([verdict(Outcome.FAILED, severity=Severity.WARN), verdict(Outcome.FAILED)])
    assert any("only warns" in line for line in found[:-1])
    assert found[-1] == "2 gates: 2 failed (1 only warns)"


def test_an_undecided_gate_without_a_measurement_says_why() -> None:
    found = verdict_lines([verdict(Outcome.UNDECIDED, worst=None)])
    assert "roc_auc was never measured" in found[1]
    assert found[-1] == "1 gate: 1 undecided"


def test_a_long_reason_of_what_is_undefined_is_said_whole_and_comes_before_what_else_to_do() -> None:
    reason = f"the scores fall as it gets likelier; {'a model that ranks is needed; ' * 5}look at its features"
    lines = verdict_lines([verdict(Outcome.UNDECIDED, worst=auc(None, low=None, high=None, reason=reason))])
    assert "roc_auc: undefined (see why; n = 14,872)" in lines[1]
    told = " ".join(line.strip() for line in lines)
    assert reason in told
    assert "do   See to what kept it from being measured. Where it then fails: Find out why." in told
    assert "…" not in told


def test_a_waived_gate_says_who_waived_it_and_asks_for_nothing() -> None:
    reason = "failed, waived by pat until 2026-12-31: agreed with the board (…)"
    text = "\n".join(verdict_lines([verdict(Outcome.WAIVED, reason=reason)]))
    assert "waived by pat until 2026-12-31" in text
    assert "Find out why." not in text


def test_no_verdict_at_all_is_said() -> None:
    assert verdict_lines([]) == ["no gate was judged"]


def test_a_level_that_holds_terminal_codes_paints_nothing() -> None:
    hostile = verdict(Outcome.FAILED, worst=auc(subject=HOSTILE), gate=HOSTILE, next_step=HOSTILE, stage=HOSTILE)
    text = "\n".join(verdict_lines([hostile]))
    assert text.replace("\n", "").isprintable()
    text.encode()


@given(st.text(max_size=400), st.text(max_size=400), st.sampled_from(Outcome))
def test_no_line_is_wider_than_the_terminal(subject: str, reason: str, outcome: Outcome) -> None:
    found = verdict_lines([verdict(), verdict(outcome, worst=auc(subject=subject), reason=reason, limit=reason)])
    assert max(map(len, found)) <= WIDTH


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (at_least(0.65, judged_on="low", minimum_n=200), "needed ≥ 0.65 on low"),
        (at_most(0.1, judged_on="high"), "needed ≤ 0.1 on high"),
        (holds(), "needed 1"),
    ],
)
def test_a_limit_is_shortened_to_what_a_line_has_room_for(gate: object, words: str) -> None:
    found = verdict_lines([verdict(limit=describe(gate))])  # type: ignore[arg-type]
    assert found[1].endswith(words)


def test_what_warns_is_named_in_one_line_and_what_passes_or_closes_is_not() -> None:
    warns = [verdict(outcome, gate=f"g{place}", severity=Severity.WARN) for place, outcome in enumerate(
        (Outcome.FAILED, Outcome.UNDECIDED, Outcome.PASSED, Outcome.WAIVED)
    )]  # fmt: skip
    assert warning_text([*warns, verdict(Outcome.FAILED, gate="closed")]) == "2 gates warn: g0, g1"
    assert warning_text(warns[:1]) == "1 gate warns: g0"
    many = [verdict(Outcome.FAILED, gate=f"g{place}", severity=Severity.WARN) for place in range(12)]
    assert warning_text(many).endswith(", g9 and 2 more")
    assert warning_text([verdict()]) == ""
