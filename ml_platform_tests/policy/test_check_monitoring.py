"""What starts retraining has to be possible for the model: gain by more rows, harm that can be expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform_tests.policy.files import changed, load_text

PLAIN = "    minimum_labels: 200\n"
GROWS = ("holdout_days: 20}", "holdout_days: 20, train_grows: true}")
BY_ENTITY = (
    "{kind: time, train_days: 90, validation_days: 10, calibration_days: 10, holdout_days: 20}",
    "{kind: entity, train: 0.7, validation: 0.1, calibration: 0.1, holdout: 0.1, salt: late}",
)
HARM = "retrain_on_expected_harm: true"
NUMBER = (
    ("late: {type: boolean, role: target}", "late: {type: number, role: target}"),
    ("objective: binary", "objective: regression"),
    ("live_auc_holds", "live_loss_holds"),
    ("    overrides:\n      auc_is_sufficient: {limit: 0.7}\n", ""),
)


def said(line: str, *changes: tuple[str, str]) -> str:
    return changed((PLAIN, f"{PLAIN}    {line}\n"), *changes)


def problem(folder: Path, text: str) -> str:
    with pytest.raises(PolicyInvalid) as caught:
        load_text(folder, text)
    return "\n".join(caught.value.problems)


def test_a_gain_by_more_rows_needs_rows_that_become_more(tmp_path: Path) -> None:
    gain = "retrain_on_expected_gain: 0.005"
    for more in (GROWS, BY_ENTITY):
        monitoring = load_text(tmp_path, said(gain, more)).spec.monitoring
        assert monitoring is not None
        assert monitoring.retrain_on_expected_gain == 0.005
    assert "as many are forgotten as come" in problem(tmp_path, said(gain))


@pytest.mark.parametrize("bad", ["0", "1", "-0.1", ".nan", "soon"])
def test_a_gain_is_a_part_of_the_loss(tmp_path: Path, bad: str) -> None:
    assert "retrain_on_expected_gain" in problem(tmp_path, said(f"retrain_on_expected_gain: {bad}", GROWS))


def test_harm_can_be_expected_of_two_classes_only(tmp_path: Path) -> None:
    monitoring = load_text(tmp_path, said(f"{HARM}\n    retrain_again_after_change: true")).spec.monitoring
    assert monitoring is not None
    assert monitoring.retrain_on_expected_harm
    assert monitoring.retrain_again_after_change
    assert "only rankings of two classes are estimated" in problem(tmp_path, said(HARM, *NUMBER))
