"""What a study over the learner's parameters may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.conditions import conditions_of
from ml_platform_tests.policy.files import changed, line_of, load_text

STUDY = "  tuning: {trials: 20, seed: 3, space: {SPACE}}\n  policy:\n"


def text(space: str, *changes: tuple[str, str]) -> str:
    return changed(("  policy:\n", STUDY.replace("SPACE", space)), *changes)


def problems(folder: Path, space: str, *changes: tuple[str, str]) -> list[str]:
    said = text(space, *changes)
    line = line_of("  tuning:", said)
    with pytest.raises(PolicyInvalid) as caught:
        load_text(folder, said)
    return [problem.replace(f"{folder}/late/defs.yaml:{line}: ", "") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "space",
    [
        "learning_rate: {low: 0.01, high: 0.3, log: true}",
        "num_leaves: {low: 4, high: 64, log: true}",
        "min_data_in_leaf: {low: 10, high: 100, step: 10}",
        "bagging_fraction: {low: 0.5, high: 0.8, step: 0.1}",
        "extra_trees: {choices: [true, false]}",
        "max_bin: {choices: [63, 255]}",
        "boosting: {choices: [gbdt, dart]}",
    ],
)
def test_ranges_and_choices_of_the_learners_parameters_can_be_searched(tmp_path: Path, space: str) -> None:
    spec = load_text(tmp_path, text(space)).spec
    assert spec.tuning is not None
    assert (spec.tuning.folds, spec.tuning.pruner, spec.tuning.seconds) == (4, "median", None)
    assert "tuning" in conditions_of(spec)


def test_a_model_without_a_study_says_nothing_of_it(tmp_path: Path) -> None:
    spec = load_text(tmp_path, changed()).spec
    assert "tuning" not in spec.model_dump(mode="json")
    assert "tuning" not in conditions_of(spec)


@pytest.mark.parametrize(
    ("space", "needed"),
    [
        (
            "learning_rat: {low: 0.1, high: 0.2}",
            "learning_rat isn't a parameter that can be set here. Did you mean 'learning_rate'?",
        ),
        ("eta: {low: 0.1, high: 0.2}", "eta is LightGBM's other name for 'learning_rate'; write 'learning_rate'"),
        ("seed: {low: 1, high: 9}", "seed is declared by learner.seed; remove it here"),
        (
            "scale_pos_weight: {low: 1, high: 9}",
            "scale_pos_weight changes the very loss that trials are compared by; set it in learner.parameters",
        ),
        (
            "deterministic: {choices: [true, false]}",
            "deterministic is no matter of trial and error; set it in learner.parameters",
        ),
        ("max_bin: {}", "max_bin holds no range; needed: `{low: …, high: …}` or `{choices: […]}`"),
        ("max_bin: {low: 3}", "max_bin holds no range; needed: `{low: …, high: …}` or `{choices: […]}`"),
        ("max_bin: {low: 9, high: 3}", "max_bin has low 9 and high 3; needed: low below high"),
        ("max_bin: {low: 9, high: 9}", "max_bin has low 9 and high 9; needed: low below high"),
        ("max_bin: {low: 3.5, high: 9}", "max_bin has low 3.5; needed: a whole number"),
        (
            "extra_trees: {low: 0, high: 1}",
            "extra_trees has a range, but takes true or false; needed: `{choices: […]}`",
        ),
        (
            "lambda_l2: {low: 0, high: 9, log: true}",
            "lambda_l2 is searched on a logarithmic scale and has low 0; needed: more than 0, or no log",
        ),
        (
            "lambda_l2: {low: 1, high: 9, log: true, step: 1}",
            "lambda_l2 has a step and a logarithmic scale; needed: one of them",
        ),
        ("lambda_l2: {low: 1, high: 9, step: 0}", "lambda_l2 has step 0; needed: more than 0"),
        (
            "lambda_l2: {low: 1, high: 2, step: 0.3}",
            "lambda_l2 has step 0.3, which doesn't lead from 1 to 2; change one of them",
        ),
        ("max_bin: {choices: [63]}", "max_bin has the choices [63]; needed: two or more that differ"),
        ("max_bin: {choices: []}", "max_bin has the choices []; needed: two or more that differ"),
        ("max_bin: {choices: [63, many]}", "max_bin has the choice 'many'; needed: a whole number"),
        ("max_bin: {choices: [63, 64], low: 3}", "max_bin has choices and a range; needed: one of them"),
        (
            "poisson_max_delta_step: {low: 0.5, high: 0.9}",
            (
                "poisson_max_delta_step at 0.5: learner.parameters.poisson_max_delta_step is read only by objective "
                "poisson, not by binary; remove it"
            ),
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_searched_is_named(tmp_path: Path, space: str, needed: str) -> None:
    assert problems(tmp_path, space) == [f"tuning.space.{needed}"]


def test_what_a_choice_breaks_in_the_learner_is_named(tmp_path: Path) -> None:
    early = ("rounds: 100\n", "rounds: 100\n    early_stopping_rounds: 5\n")
    found = problems(tmp_path, "boosting: {choices: [gbdt, dart]}", early)
    assert len(found) == 1
    assert "boosting at 'dart': learner.early_stopping_rounds is given with boosting dart" in found[0]


def test_a_broken_learner_hides_no_problem_of_the_space(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        load_text(tmp_path, text("max_bin: {low: 9, high: 3}", ("rounds: 100", "rounds: 0")))
    assert [problem.partition(": ")[2].partition(" ")[0] for problem in caught.value.problems] == [
        "learner.rounds", "tuning.space.max_bin",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        ("trials: 0, seed: 3", "tuning.trials is 0; needed: at least 1"),
        ("trials: 5, seed: 3, seconds: 0", "tuning.seconds is 0; needed: more than 0"),
        ("trials: 5, seed: 3, folds: 1", "tuning.folds is 1; needed: at least 2"),
        ("trials: 5", "tuning.seed is missing; add it"),
        (
            "trials: 5, seed: 3, pruner: medain",
            "tuning.pruner is 'medain'; known: median, none. Did you mean 'median'?",
        ),
        ("trials: 5, seed: 3, budget: 3", "tuning.budget isn't known here; known: trials"),
    ],
)
def test_a_study_says_how_much_it_tries(tmp_path: Path, change: str, needed: str) -> None:
    found = problems(tmp_path, "max_bin: {low: 3, high: 9}", ("trials: 20, seed: 3", change))
    assert len(found) == 1
    assert found[0].startswith(needed)
