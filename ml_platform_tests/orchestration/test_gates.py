from __future__ import annotations

import dataclasses

import dagster as dg
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.orchestration.gates import (
    check_results,
    check_specs,
    gate_table,
    gates_in_words,
    measurement_table,
    refusal,
)
from ml_platform.policy.load import GovernedModelFile
from ml_platform_tests.orchestration.small_model import load_small

KEY = dg.AssetKey(["parcels", "evaluation"])
AUC = Measurement(metric="roc_auc", value=0.6, low=0.55, high=0.65, confidence=0.95, n=900)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> GovernedModelFile:
    return load_small(tmp_path_factory.mktemp("small"))


def _verdict(outcome: Outcome, severity: Severity = Severity.BLOCK, worst: Measurement | None = AUC) -> Verdict:
    return Verdict(
        gate="auc_is_sufficient", control="METRICS", stage="evaluation", outcome=outcome, severity=severity,
        limit="≥ 0.65", reason="roc_auc = 0.6; needed: ≥ 0.65", next_step="Add data.", policy_digest="ab" * 32,
        worst=worst, measurements=(AUC,),
    )  # fmt: skip


def test_every_gate_of_a_stage_is_a_check_of_its_asset(file: GovernedModelFile) -> None:
    found = check_specs(file.policy, "evaluation", KEY)
    assert [spec.name for spec in found] == list(file.policy.gates_of("evaluation"))
    assert all(spec.asset_key == KEY for spec in found)


def test_a_check_blocks_exactly_when_its_gate_does(file: GovernedModelFile) -> None:
    for stage in ("source", "snapshot", "evaluation", "monitoring"):
        for spec in check_specs(file.policy, stage, KEY):
            assert spec.blocking == (file.policy.gates[spec.name].severity == "block")


def test_a_check_says_claim_control_reason_and_next_step(file: GovernedModelFile) -> None:
    for name, gate in file.policy.gates.items():
        (spec,) = [spec for spec in check_specs(file.policy, gate.stage, KEY) if spec.name == name]
        assert gate.why in (spec.description or "")
        assert gate.next_step in (spec.description or "")
        assert gate.control in (spec.description or "")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_opens_passes_and_undecided_does_not(outcome: Outcome) -> None:
    (result,) = check_results([_verdict(outcome)], KEY)
    assert result.passed == (outcome in {Outcome.PASSED, Outcome.WAIVED, Outcome.NOT_APPLICABLE})
    assert result.severity is dg.AssetCheckSeverity.ERROR


def test_a_gate_that_warns_gives_a_warning() -> None:
    (result,) = check_results([_verdict(Outcome.FAILED, Severity.WARN)], KEY)
    assert result.severity is dg.AssetCheckSeverity.WARN


def test_a_result_carries_the_numbers_behind_it() -> None:
    (result,) = check_results([_verdict(Outcome.FAILED)], KEY)
    shown = {name: value.value for name, value in result.metadata.items()}
    assert (shown["value"], shown["sample size"], shown["verdict"]) == (0.6, 900, "failed")
    assert shown["interval"] == "0.55 to 0.65 (95% confidence)"
    assert shown["measurement"] == "roc_auc = 0.6 [0.55, 0.65] (n = 900)"
    assert str(shown["control"]).startswith("METRICS (")
    assert {"limit", "next step", "policy digest"} <= shown.keys()


def test_facts_are_words_so_that_only_the_value_and_the_sample_size_are_plotted() -> None:
    worst = dataclasses.replace(AUC, facts={"group_n": 12, "ratio": 0.123456789})
    (result,) = check_results([_verdict(Outcome.FAILED, worst=worst)], KEY)
    numbers = {name for name, value in result.metadata.items() if isinstance(value.value, float | int)}
    assert numbers == {"value", "sample size"}
    assert result.metadata["facts"].value == "group n 12, ratio 0.1235"


def test_the_gates_that_are_not_open_come_first_and_are_named() -> None:
    closed = dataclasses.replace(_verdict(Outcome.FAILED), gate="beats_chance")
    verdicts = [_verdict(Outcome.PASSED), closed]
    assert gates_in_words(verdicts) == "2 gates: 1 passed, 1 failed: beats_chance"
    assert gate_table(verdicts).splitlines()[2].startswith("| ✗ beats_chance |")


def test_nothing_measured_gives_a_result_without_numbers() -> None:
    (result,) = check_results([_verdict(Outcome.UNDECIDED, worst=None)], KEY)
    assert "value" not in result.metadata
    assert not result.passed


def test_the_refusal_names_gate_numbers_limit_and_what_to_do(file: GovernedModelFile) -> None:
    text = refusal(file.policy, "Refused", [_verdict(Outcome.FAILED), _verdict(Outcome.PASSED)], hints=["look here"])
    assert text.startswith("Refused - 1 gate is closed (2 judged)")
    why = file.policy.gates["auc_is_sufficient"].why
    told = ("auc_is_sufficient", "METRICS", "0.6 [0.55, 0.65] (n = 900)", "≥ 0.65", "Add data.", "look here", why)
    for piece in told:
        assert piece in text


def test_a_refusal_names_the_other_subjects_too(file: GovernedModelFile) -> None:
    other = Measurement(metric="roc_auc", value=0.5, n=90, subject="carrier=sea")
    verdict = dataclasses.replace(_verdict(Outcome.FAILED), measurements=(AUC, other))
    assert "also:   roc_auc of carrier=sea = 0.5 (n = 90)" in refusal(file.policy, "Refused", [verdict])


def test_a_gate_that_only_warns_is_no_part_of_a_refusal(file: GovernedModelFile) -> None:
    assert "auc_is_sufficient" not in refusal(file.policy, "Refused", [_verdict(Outcome.FAILED, Severity.WARN)])


def test_tables_are_whole_lines_whatever_a_subject_holds() -> None:
    odd = Measurement(metric="missing_share", value=0.1, n=3, subject="a|b\nc")
    assert all(line.count("|") - line.count("\\|") == 6 for line in measurement_table([odd]).splitlines())


def test_long_tables_say_how_much_was_left_out() -> None:
    many = [Measurement(metric="x", value=1.0, n=1, subject=str(index)) for index in range(100)]
    assert "… and 70 more" in measurement_table(many)
