"""What the learner's task, weights, directions and calibration need of each other and of the columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.load import GovernedModelFile
from ml_platform.policy.spec import Learner, TimeSplit
from ml_platform_tests.policy.files import MODEL, changed, line_of, load_text

Changes = tuple[tuple[str, str], ...]

BINARY = "objective: binary\n"
TARGET = "late: {type: boolean, role: target}"
TARGETS = {
    "binary": TARGET,
    "multiclass": "late: {type: category, levels: [none, late, lost], role: target}",
    "regression": "late: {type: number, range: [0, 90], role: target}",
}
# Any task can be drifted from; the loss or the ranking of one can't start another's retraining.
ALIKE = ("retrain_when: [live_auc_holds]", "retrain_when: [scores_resemble_the_holdout]")
WEIGHT = "weight: {type: number, range: [0, 60]}"
WEIGHING = "weight: {type: number, range: [0, 60], role: weight}"


def weighed(column: str) -> Changes:
    return ((BINARY, f"{BINARY}    weights: weight\n"), (WEIGHT, f"weight: {{{column}, role: weight}}"))


def target(objective: str, column: str) -> Changes:
    return ((BINARY, f"objective: {objective}\n"), (TARGET, f"late: {{{column}, role: target}}"))


def said(kind: str, objective: str, more: str = "") -> Changes:
    """Return the changes that give a model another task and lines of its learner."""
    lines = "".join(f"    {line}\n" for line in more.splitlines())
    return ((TARGET, TARGETS[kind]), (BINARY, f"objective: {objective}\n{lines}"))


def watched(changes: Changes) -> str:
    """Make the changes, and let the monitoring be one that fits every task."""
    return changed(ALIKE, text=changed(*changes))


def loaded(folder: Path, changes: Changes) -> GovernedModelFile:
    return load_text(folder, watched(changes))


def problems(folder: Path, changes: Changes) -> list[str]:
    with pytest.raises(PolicyInvalid) as caught:
        load_text(folder, watched(changes))
    return [problem.replace(f"{folder}/late/defs.yaml:", "") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("kind", "objective", "more", "task"),
    [
        ("binary", "binary", "class_weight: balanced\ncalibration: isotonic", "binary"),
        ("binary", "binary", "class_weight: {positive: 3}\ncalibration: none", "binary"),
        ("binary", "binary", "monotone: {weight: increasing}", "binary"),
        ("multiclass", "multiclass", "class_weight: {lost: 5.5}\ncalibration: platt", "multiclass"),
        ("regression", "regression", "monotone: {weight: decreasing}", "regression"),
        ("regression", "regression_l1", "", "regression"),
        ("regression", "huber", "", "regression"),
        ("regression", "poisson", "", "regression"),
        ("regression", "quantile", "quantile: 0.9", "quantile"),
    ],
)
def test_every_task_can_be_said(tmp_path: Path, kind: str, objective: str, more: str, task: str) -> None:
    assert loaded(tmp_path, said(kind, objective, more)).spec.learner.task == task


def test_the_classes_are_the_levels_in_their_order(tmp_path: Path) -> None:
    assert loaded(tmp_path / "a", said("multiclass", "multiclass")).spec.classes == ("none", "late", "lost")
    assert loaded(tmp_path / "b", ()).spec.classes == ("negative", "positive")
    assert loaded(tmp_path / "c", said("regression", "huber")).spec.classes == ()
    assert loaded(tmp_path / "d", said("regression", "quantile", "quantile: 0.5")).spec.classes == ()


def test_a_column_with_the_role_weight_weighs_the_rows(tmp_path: Path) -> None:
    found = loaded(tmp_path, ((BINARY, f"{BINARY}    weights: weight\n"), (WEIGHT, WEIGHING))).spec
    assert found.weight == "weight"
    assert "weight" not in found.inputs


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        (((BINARY, "objective: binray\n"),), "binray", "learner.objective is 'binray'; known: binary, multiclass"),
        (said("binary", "binary", "calibraton: platt"), "calibraton", "Did you mean 'calibration'?"),
        (said("binary", "binary", "calibration: plat"), "plat", "Did you mean 'platt'?"),
        (said("binary", "binary", "monotone: {weight: incresing}"), "incresing", "Did you mean 'increasing'?"),
        (said("binary", "binary", "quantile: 1.5"), "quantile", "learner.quantile is 1.5; needed: less than 1"),
        (said("binary", "binary", "class_weight: {positive: 0}"), "positive: 0", "is 0; needed: more than 0"),
        (said("binary", "binary", "class_weight: equal"), "equal", "learner.class_weight is 'equal'"),
        (said("binary", "multiclass"), TARGET, "late.type is 'boolean'; a multiclass target needs type category"),
        (target("multiclass", "type: category"), "late: {", "late.levels isn't given; a multiclass target needs"),
        (target("multiclass", "type: category, levels: [a]"), "late: {", "late.levels names one level"),
        (said("binary", "huber"), TARGET, "late.type is 'boolean'; objective huber needs a target of type"),
        (target("gamma", "type: number, range: [-1, 9]"), "late: {", "late.range is [-1.0, 9.0]; objective gamma"),
        (target("poisson", "type: integer"), "late: {", "late.range is empty; objective poisson needs a range from 0"),
        (said("regression", "quantile"), "learner:", "learner.quantile is missing; objective quantile needs it"),
        (said("regression", "huber", "quantile: 0.9"), "quantile: 0.9", "is given for objective huber"),
        (said("multiclass", "multiclass", "monotone: {weight: increasing}"), "monotone", "for objective multiclass"),
        (said("regression", "mape", "monotone: {weight: increasing}"), "monotone", "is given for objective mape"),
        (said("regression", "huber", "class_weight: balanced"), "class_weight", "huber has no classes; use weights"),
        (said("regression", "huber", "calibration: platt"), "calibration", "objective huber gives no probabilities"),
        (
            said("multiclass", "multiclass", "class_weight: {lots: 2}\ncalibration: none"), "lots",
            "learner.class_weight names 'lots', which is no class; known: none, late, lost. Did you mean 'lost'?",
        ),
        (
            said("binary", "binary", "class_weight: {late: 2}\ncalibration: none"), "late: 2",
            "learner.class_weight names 'late', which is no class; known: negative, positive.",
        ),
        (said("binary", "binary", "class_weight: balanced"), "learner:", "calibration is missing; class_weight makes"),
        ((("boosting: gbdt", "is_unbalance: true"),), "learner:", "calibration is missing; is_unbalance makes"),
        (
            (
                *said("binary", "binary", "class_weight: balanced\ncalibration: none"),
                ("boosting: gbdt", "scale_pos_weight: 2.0"),
            ),
            "scale_pos_weight", "learner.parameters.scale_pos_weight weighs the classes, and class_weight does too",
        ),
        (
            (*said("regression", "regression"), ("boosting: gbdt", "alpha: 0.9")), "alpha: 0.9",
            "learner.parameters.alpha is read only by objective huber, not by regression; remove it",
        ),
        (
            (("boosting: gbdt", "boosting: dart"), ("rounds: 100", "rounds: 100\n    early_stopping_rounds: 5")),
            "early_stopping_rounds", "is given with boosting dart",
        ),
        (
            said("binary", "binary", "weights: wieght"), "wieght",
            "learner.weights is 'wieght'; needed: a column with the role weight. Did you mean 'weight'?",
        ),
        (said("binary", "binary", "reweigh: [regin]"), "reweigh", "needed: a column with the role group. Did you mean"),
        (said("binary", "binary", "reweigh: [region, region]"), "reweigh", "names 'region' twice"),
        (said("regression", "huber", "reweigh: [region]"), "reweigh", "the task is regression; only rows of two"),
        (((WEIGHT, WEIGHING),), WEIGHING, "contract.weight has the role weight, but learner.weights doesn't name it"),
        (weighed("type: category"), "weight: {", "weight.type is 'category'; a weight needs type number or integer"),
        (weighed("type: number"), "weight: {", "weight.range isn't given; a weight needs a range from 0"),
        (weighed("type: number, range: [-1, 1]"), "weight: {", "weight.range is [-1.0, 1.0]; a weight needs a range"),
        (weighed("type: number, range: [0, 1], missing: 0.1"), "weight: {", "weight.missing is 0.1; a weight is never"),
        (
            (*said("regression", "regression"), ("  monitoring:", "  deployment: {selected_share: 1}\n  monitoring:")),
            "selected_share", "selected_share is given, but the task is regression; only a binary score selects",
        ),
    ],
)  # fmt: skip
def test_what_doesnt_go_together_is_refused_with_its_line(
    tmp_path: Path, changes: Changes, line: str, words: str
) -> None:
    found = problems(tmp_path, changes)
    assert len(found) == 1, found
    assert words in found[0]
    number = int(found[0].partition(":")[0])
    assert line.strip() in changed(*changes).splitlines()[number - 1], (found, number)


def test_a_broken_learner_doesnt_hide_what_is_wrong_with_the_target(tmp_path: Path) -> None:
    found = problems(tmp_path, ((BINARY, "objective: huber\n    sed: 1\n"),))
    assert [line_of("sed: 1", changed((BINARY, "objective: huber\n    sed: 1\n")))] == [
        int(text.partition(":")[0]) for text in found if "sed" in text
    ]
    assert any("objective huber needs a target" in text for text in found)


def test_what_isnt_said_isnt_written_so_that_older_models_keep_their_digest() -> None:
    plain = {"kind": "lightgbm", "objective": "binary", "seed": 1, "threads": 1, "rounds": 5}
    written = Learner.model_validate(plain).model_dump(mode="json")
    assert written == {**plain, "early_stopping_rounds": None, "parameters": {}}
    assert Learner.model_validate(plain | {"calibration": "none"}).model_dump(mode="json")["calibration"] == "none"


def test_the_valid_file_has_what_these_cases_change() -> None:
    assert all(MODEL.count(piece) == 1 for piece in (BINARY, TARGET, WEIGHT))


SHARES = "split: {kind: entity, train: 0.6, validation: 0.1, calibration: 0.1, holdout: 0.2, salt: a}"
DAYS = "split: {kind: time, train_days: 90, validation_days: 10, calibration_days: 10, holdout_days: 20}"


def test_a_half_life_needs_rows_with_a_time(tmp_path: Path) -> None:
    aged = (BINARY, f"{BINARY}    half_life_days: 90.0\n")
    assert load_text(tmp_path, changed(aged)).spec.learner.half_life_days == 90.0
    timeless = ("sent: {type: datetime, role: time}", "sent: {type: datetime, role: not_used, reason: no clock}")
    with pytest.raises(PolicyInvalid) as caught:
        load_text(tmp_path, changed(aged, timeless, (DAYS, SHARES)))
    assert "learner.half_life_days is set, but no column has the role time" in str(caught.value)


def test_training_rows_slide_unless_they_grow(tmp_path: Path) -> None:
    for said, grows in ((DAYS, False), (DAYS.replace("}", ", train_grows: true}"), True)):
        split = load_text(tmp_path, changed((DAYS, said))).spec.split
        assert isinstance(split, TimeSplit)
        assert split.train_grows is grows
