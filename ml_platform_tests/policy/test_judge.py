from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Severity
from ml_platform.policy.gates import Gate
from ml_platform.policy.judge import judge
from ml_platform_tests.policy.gates_of import (
    NOW,
    at_least,
    at_most,
    between,
    holds,
    judged,
    measured,
    policy_of,
    waiver,
)

PASSED, FAILED, UNDECIDED = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED
KINDS: list[Gate] = [at_least(0.5), at_most(0.5), between(0.2, 0.5), holds()]


@pytest.mark.parametrize(
    ("gate", "value", "outcome"),
    [
        (at_least(0.5), 0.6, PASSED),
        (at_least(0.5), 0.5, PASSED),
        (at_least(0.5), 0.4999, FAILED),
        (at_most(0.5), 0.4, PASSED),
        (at_most(0.5), 0.5, PASSED),
        (at_most(0.5), 0.5001, FAILED),
        (between(0.2, 0.5), 0.3, PASSED),
        (between(0.2, 0.5), 0.2, PASSED),
        (between(0.2, 0.5), 0.5, PASSED),
        (between(0.2, 0.5), 0.1, FAILED),
        (between(0.2, 0.5), 0.6, FAILED),
        (holds(), 1, PASSED),
        (holds(), 0, FAILED),
        (holds(), 0.999, FAILED),
        (holds(), 2, FAILED),
    ],
)
def test_only_a_value_within_the_limit_passes(gate: Gate, value: float, outcome: Outcome) -> None:
    assert judged(gate, [measured(value)]).outcome is outcome


@pytest.mark.parametrize("gate", KINDS)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_undecided_and_closes(gate: Gate, value: float | None) -> None:
    verdict = judged(gate, [measured(value)])
    assert verdict.outcome is UNDECIDED
    assert verdict.closes
    assert "undefined" in verdict.reason


@pytest.mark.parametrize("gate", KINDS)
def test_what_was_never_measured_is_undecided_and_says_so(gate: Gate) -> None:
    verdict = judged(gate, [Measurement(metric="brier", value=0.3, n=1000)])
    assert verdict.outcome is UNDECIDED
    assert verdict.reason == "roc_auc was never measured"
    assert verdict.worst is None
    assert verdict.measurements == ()


@pytest.mark.parametrize("gate", [at_least(0.5, minimum_n=200), at_most(0.9, minimum_n=200), holds(minimum_n=200)])
def test_too_few_rows_are_undecided_whatever_the_value(gate: Gate) -> None:
    assert judged(gate, [measured(0, n=199)]).outcome is UNDECIDED
    verdict = judged(gate, [measured(1, n=199)])
    assert verdict.outcome is UNDECIDED
    assert "needed: n ≥ 200" in verdict.reason
    assert judged(at_least(0.5, minimum_n=200), [measured(1, n=200)]).outcome is PASSED


@pytest.mark.parametrize("bound", ["low", "high"])
def test_a_missing_bound_is_undecided_where_the_gate_judges_by_it(bound: str) -> None:
    gate = at_least(0.5, judged_on=bound)  # type: ignore[arg-type]
    low, high = (math.nan, 0.9) if bound == "low" else (0.9, math.nan)
    verdict = judged(gate, [measured(0.9, low=low, high=high)])
    assert verdict.outcome is UNDECIDED
    assert f"has no {'lower' if bound == 'low' else 'upper'} bound" in verdict.reason


def test_the_judged_bound_decides_and_not_the_value() -> None:
    thin = measured(0.7, low=0.6, high=0.8)
    assert judged(at_least(0.65, judged_on="low"), [thin]).outcome is FAILED
    assert judged(at_least(0.65, judged_on="high"), [thin]).outcome is PASSED
    assert judged(at_most(0.75, judged_on="high"), [thin]).outcome is FAILED
    assert judged(between(0.65, 0.75, judged_on="low"), [thin]).outcome is FAILED


@pytest.mark.parametrize(
    ("low", "high", "least", "most", "within"),
    [
        (0.6, 0.8, PASSED, PASSED, PASSED),
        (0.5, 0.9, PASSED, PASSED, PASSED),  # both at the limits
        (0.4, 0.8, UNDECIDED, PASSED, UNDECIDED),
        (0.6, 0.95, PASSED, UNDECIDED, UNDECIDED),
        (0.1, 0.99, UNDECIDED, UNDECIDED, UNDECIDED),
        (0.3, 0.49, FAILED, PASSED, FAILED),
        (0.91, 0.99, PASSED, FAILED, FAILED),
        (math.nan, 0.8, UNDECIDED, UNDECIDED, UNDECIDED),
        (None, None, UNDECIDED, UNDECIDED, UNDECIDED),
    ],
)
def test_on_the_interval_all_of_it_passes_or_fails_and_anything_between_is_undecided(
    low: float | None, high: float | None, least: Outcome, most: Outcome, within: Outcome
) -> None:
    found = [measured(0.7, low=low, high=high)]
    assert judged(at_least(0.5, judged_on="interval"), found).outcome is least
    assert judged(at_most(0.9, judged_on="interval"), found).outcome is most
    assert judged(between(0.5, 0.9, judged_on="interval"), found).outcome is within


def test_an_interval_on_both_sides_of_the_limit_asks_for_rows() -> None:
    verdict = judged(at_least(0.65, judged_on="interval"), [measured(0.7, low=0.6, high=0.8)])
    assert verdict.outcome is UNDECIDED
    assert "needed: ≥ 0.65 over the whole interval. The interval reaches both sides of the limit" in verdict.reason
    assert "has no interval" in judged(at_least(0.65, judged_on="interval"), [measured(0.7)]).reason


def test_a_value_that_would_do_with_more_evidence_is_said_to() -> None:
    gate = at_least(0.65, judged_on="low")
    assert "its evidence is too thin" in judged(gate, [measured(0.7, low=0.6, high=0.8)]).reason
    assert "too thin" not in judged(gate, [measured(0.5, low=0.4, high=0.6)]).reason


def test_every_subject_has_to_hold_and_the_worst_is_named() -> None:
    found = [measured(value, subject=name) for name, value in (("a", 0.9), ("b", 0.3), ("c", 0.2), ("d", None))]
    verdict = judged(at_least(0.5), found)
    assert verdict.outcome is FAILED
    assert verdict.worst is found[2]
    assert "roc_auc of c = 0.2" in verdict.reason
    assert "(2 of 4 subjects are so)" in verdict.reason
    assert verdict.measurements == tuple(found)


def test_one_undecided_subject_leaves_the_gate_undecided() -> None:
    found = [measured(0.9, subject="a"), measured(None, subject="b", reason="one class only")]
    verdict = judged(at_least(0.5), found)
    assert verdict.outcome is UNDECIDED
    assert "one class only" in verdict.reason
    assert verdict.worst is found[1]


SHARES = [measured(value, subject=name) for name, value in (("distance", 0.4), ("hour", 0.02), ("wind", None))]


@pytest.mark.parametrize(
    ("subjects", "outcome", "names"),
    [
        (["distance"], PASSED, ["distance"]),
        (["hour"], FAILED, ["hour"]),
        (["hour", "distance"], FAILED, ["distance", "hour"]),
        (["wind"], UNDECIDED, ["wind"]),
        (["distance", "wind"], UNDECIDED, ["distance", "wind"]),
    ],
)
def test_a_gate_that_names_subjects_judges_these_alone(subjects: list[str], outcome: Outcome, names: list[str]) -> None:
    verdict = judged(at_least(0.02 + 1e-9, subjects=tuple(subjects)), SHARES)
    assert verdict.outcome is outcome
    assert [one.subject for one in verdict.measurements] == names
    assert verdict.limit.endswith(f"for {', '.join(subjects)}")


def test_a_named_subject_keeps_the_limit_at_the_limit_and_needs_its_rows() -> None:
    assert judged(at_most(0.02, subjects=("hour",)), SHARES).outcome is PASSED
    thin = [measured(0.02, n=9, subject="hour"), measured(0.9, n=1000, subject="distance")]
    assert judged(at_most(0.05, subjects=("hour",), minimum_n=10), thin).outcome is UNDECIDED


def test_a_named_subject_that_was_never_measured_is_undecided_and_the_nearest_is_named() -> None:
    verdict = judged(at_least(0.3, subjects=("distance", "distanse")), SHARES)
    assert (verdict.outcome, verdict.worst) == (UNDECIDED, None)
    assert verdict.reason == (
        "roc_auc of distanse was never measured: nothing measured is named so. Did you mean 'distance'? "
        "(1 of 2 subjects are so)"
    )
    assert judged(at_least(0.3, subjects=("snow",)), SHARES).reason.endswith("nothing measured is named so.")
    assert judged(at_least(0.3, subjects=("snow",)), []).reason == "roc_auc was never measured"
    assert judged(at_least(0.3, subjects=("hour", "snow")), SHARES).outcome is FAILED


def test_a_policy_whose_gates_name_no_subjects_keeps_its_digest() -> None:
    assert "subjects" not in at_least(0.5).model_dump(mode="json")
    assert policy_of({"a": at_least(0.5)}).digest != policy_of({"a": at_least(0.5, subjects=("hour",))}).digest


def test_of_passing_subjects_the_one_nearest_to_the_limit_is_shown() -> None:
    found = [measured(0.9, subject="a"), measured(0.6, subject="b")]
    assert judged(at_least(0.5), found).worst is found[1]


def test_a_gate_whose_condition_does_not_hold_is_not_applicable_and_says_why() -> None:
    gate = at_least(0.5, when="groups")
    verdict = judged(gate, [measured(0.1)])
    assert verdict.outcome is Outcome.NOT_APPLICABLE
    assert verdict.reason == "applies only when the contract has a column with the role group"
    assert judged(gate, [measured(0.1)], conditions=frozenset({"groups"})).outcome is FAILED


def test_a_gate_that_applies_always_needs_no_condition() -> None:
    assert judged(at_least(0.5), [measured(0.6)], conditions=frozenset({"always"})).outcome is PASSED
    assert judged(at_least(0.5), [measured(0.6)]).outcome is PASSED


@pytest.mark.parametrize("value", [0.1, None])
def test_a_waiver_opens_a_closed_gate_and_keeps_what_was_found(value: float | None) -> None:
    verdict = judged(at_least(0.5), [measured(value)], waiver())
    assert verdict.outcome is Outcome.WAIVED
    assert not verdict.closes
    original = "failed" if value else "undecided"
    assert verdict.reason.startswith(f"{original}, waived by pat until 2026-12-31: agreed with the board (")
    assert verdict.worst is not None


def test_a_waiver_counts_through_its_last_day_and_not_longer() -> None:
    today = NOW.date()
    assert judged(at_least(0.5), [measured(0.1)], waiver(expires=today)).outcome is Outcome.WAIVED
    late = judged(at_least(0.5), [measured(0.1)], waiver(expires=today - dt.timedelta(days=1)))
    assert late.outcome is FAILED
    assert "The waiver of pat expired on 2026-02-28 and doesn't count" in late.reason


def test_a_waiver_changes_nothing_about_an_open_gate_or_another_gate() -> None:
    assert judged(at_least(0.5), [measured(0.6)], waiver()).outcome is PASSED
    assert judged(at_least(0.5, when="groups"), [], waiver()).outcome is Outcome.NOT_APPLICABLE
    assert judged(at_least(0.5), [measured(0.1)], waiver("other")).outcome is FAILED


def test_a_verdict_carries_what_is_needed_to_check_it_again() -> None:
    gate = at_least(0.5, judged_on="low", minimum_n=200, severity="warn")
    verdict = judged(gate, [measured(0.6, low=0.55, high=0.65)])
    assert (verdict.gate, verdict.control, verdict.stage) == ("claim", "METRICS", "evaluation")
    assert verdict.severity is Severity.WARN
    assert verdict.limit == "≥ 0.5 on the lower bound, n ≥ 200"
    assert verdict.next_step == "do this"
    assert verdict.policy_digest == policy_of({"claim": gate}).digest


def test_only_the_gates_of_the_stage_are_judged_one_verdict_each() -> None:
    policy = policy_of({"a": at_least(0.5), "b": holds(stage="model", metric="tracked"), "c": at_most(0.9)})
    verdicts = judge(policy, "evaluation", [measured(0.6)], conditions=frozenset(), now=NOW)
    assert [verdict.gate for verdict in verdicts] == ["a", "c"]
    assert judge(policy, "release", [measured(0.6)], conditions=frozenset(), now=NOW) == ()


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.none()


@given(numbers, numbers, numbers, st.integers(0, 500), st.sampled_from(["value", "low", "high"]))
def test_a_gate_passes_only_what_is_proven_good(
    value: float | None, low: float | None, high: float | None, n: int, bound: str
) -> None:
    gate = at_least(0.5, judged_on=bound, minimum_n=100)  # type: ignore[arg-type]
    verdict = judged(gate, [measured(value, low=low, high=high, n=n)])
    number = {"value": value, "low": low, "high": high}[bound]
    known = value is not None and math.isfinite(value) and number is not None and math.isfinite(number)
    assert (verdict.outcome is PASSED) == (n >= 100 and known and number is not None and number >= 0.5)


@pytest.mark.parametrize(
    ("smallest", "outcome"),
    [
        (0.1, PASSED), (0.2, PASSED), (0.2001, UNDECIDED), (None, UNDECIDED), (math.nan, UNDECIDED),
        (math.inf, UNDECIDED), ("0.1", UNDECIDED),
    ],
)  # fmt: skip
def test_a_gate_that_asks_for_power_passes_only_what_could_have_been_revealed(
    smallest: float | str | None, outcome: Outcome
) -> None:
    gate = at_most(0.5, reveals=0.2)
    assert judged(gate, [measured(0.0, facts={"smallest_detectable": smallest})]).outcome is outcome
    assert judged(gate, [measured(0.0)]).outcome is UNDECIDED
    assert judged(gate, [measured(0.6, facts={"smallest_detectable": smallest})]).outcome is FAILED


def test_too_little_power_is_said_with_what_is_needed() -> None:
    verdict = judged(at_most(0.5, reveals=0.2), [measured(0.0, facts={"smallest_detectable": 0.35})])
    assert verdict.limit == "≤ 0.5, reveals 0.2"
    assert verdict.reason.endswith(
        "the smallest fault that it could have revealed is 0.35; needed: at most 0.2. More rows are needed"
    )


@pytest.mark.parametrize(
    ("gate", "error", "said"),
    [
        (at_least(-0.01, judged_on="low", when="champion"), 0.005, "52% would pass"),
        (at_most(0.02, judged_on="high", when="champion"), 0.005, "98% would pass"),
        (at_least(-0.01, judged_on="low", when="champion"), None, ""),
        (at_least(-0.01, judged_on="low", when="champion"), 0.0, ""),
        (at_least(-0.01, when="champion"), 0.005, ""),
        (at_least(-0.01, judged_on="low"), 0.005, ""),
        (between(-0.01, 0.02, judged_on="interval", when="champion"), 0.005, ""),
    ],
)
def test_a_gate_on_the_champion_says_how_likely_an_equally_good_candidate_passes(
    gate: Gate, error: float | None, said: str
) -> None:
    one = measured(0.0, low=-0.009, high=0.009, facts={"standard_error": error})
    reason = judged(gate, [one], conditions=frozenset({"champion"})).reason
    assert ("would pass" in reason) == bool(said)
    assert said in reason


def test_of_groups_that_dont_keep_a_limit_the_one_is_named_of_which_most_is_proven() -> None:
    few = measured(0.3, n=4, low=0.0, high=0.56, subject="four people")
    known = measured(0.08, low=0.04, high=0.12, subject="a difference for sure")
    gone = measured(None, n=0, subject="nobody", reason="no such row")
    gate = at_most(0.1, judged_on="interval")
    found = judged(gate, [gone, few, known])
    assert (found.outcome, found.worst) == (UNDECIDED, known)
    assert judged(gate, [gone, few]).worst == few
    assert judged(gate, [few, gone]).outcome is UNDECIDED
    surely, wide = measured(0.2, low=0.15, high=0.25), measured(0.4, low=0.11, high=0.7)
    assert (judged(gate, [wide, surely]).outcome, judged(gate, [wide, surely]).worst) == (FAILED, surely)
    near, far = measured(0.05, low=0.0, high=0.09), measured(0.04, low=0.03, high=0.05)
    assert (judged(gate, [far, near]).outcome, judged(gate, [far, near]).worst) == (PASSED, near)


def test_a_subject_that_was_never_measured_is_named_before_what_is_only_unsure() -> None:
    gate = at_most(0.1, judged_on="interval", subjects=("a", "b"))
    found = judged(gate, [measured(0.08, low=0.04, high=0.12, subject="a")])
    assert (found.outcome, found.worst) == (UNDECIDED, None)
