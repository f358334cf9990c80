from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.explained import Explained
from ml_platform.learners import lightgbm_native
from ml_platform.learners.calibration import fit_calibration
from ml_platform.learners.lightgbm_native import fit, predict, raw_scores
from ml_platform.learners.scorer import Scorer
from ml_platform.learners.tree_text import raw_unit
from ml_platform.policy.spec import Objective
from ml_platform.stages import reasons as module
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.reasons import reasons
from ml_platform.stages.scored_part import ScoredPart, score_part
from ml_platform.stages.shown_values import ShownValues, shown_values
from ml_platform_tests.learners.brute_force import shapley
from ml_platform_tests.learners.made import CLASSES, NUMBERS, learner, rows
from ml_platform_tests.stages.toy import toy_spec

SHOWN = ShownValues(levels={"place": ["north", "south", "west"]})


def part(objective: Objective = "binary", n: int = 40, *, threshold: float | None = 0.5) -> ScoredPart:
    train = rows(objective)
    held = rows(objective, n, seed=3)
    matrix = Matrix(
        values=held.values, names=held.names, categorical=held.categorical, target=held.target,
        part=np.full(n, "holdout"),
    )  # fmt: skip
    text = fit(learner(objective), train).text
    return score_part(matrix, Scorer(text), threshold=threshold if objective == "binary" else None, threads=1)


@pytest.mark.parametrize(("objective", "classes"), [("binary", 1), ("multiclass", 3), ("poisson", 1)])
def test_contributions_are_the_shapley_values_of_the_trees(objective: Objective, classes: int) -> None:
    rows_ = part(objective, 6)
    found = raw_scores(rows_.model_text, rows_.matrix.values)
    for place, row in enumerate(rows_.matrix.values):
        average, values = shapley(rows_.model_text, row, classes)
        assert np.atleast_1d(found.average[place]) == pytest.approx(average, abs=1e-9)
        assert np.atleast_2d(found.contributions[place]) == pytest.approx(values, abs=1e-9)


@pytest.mark.parametrize("objective", ["binary", "multiclass", *NUMBERS])
def test_average_reasons_and_the_rest_add_up_to_the_score(objective: Objective) -> None:
    given = part(objective)
    told = reasons(given, SHOWN, classes=CLASSES if objective == "multiclass" else (), most=2)
    assert [one.row for one in told] == list(range(1, 41))
    for place, one in enumerate(told):
        total = one.average + sum(reason.contribution for reason in one.reasons) + one.others
        assert total == pytest.approx(one.raw, abs=1e-9)
        assert _as_predicted(one, given, place) == pytest.approx(one.uncalibrated, abs=1e-12)
        assert one.features_left == 3 - len(one.reasons)


def _as_predicted(one: Explained, given: ScoredPart, place: int) -> float:
    match one.unit:
        case "log-odds":
            return float(1 / (1 + np.exp(-one.raw)))
        case "log of the prediction":
            return float(np.exp(one.raw))
        case "logit":
            assert isinstance(one.score, tuple)
            return float(given.score[place].max())
        case _:
            return one.raw


def test_reasons_lead_to_the_decision_strongest_first() -> None:
    for one in reasons(part(), SHOWN):
        sign = 1 if one.decision == "positive" else -1
        towards = [sign * reason.contribution for reason in one.reasons]
        assert towards == sorted(towards, reverse=True)
        assert min(towards, default=1) > 0
        assert isinstance(one.score, float)
        assert (one.score >= 0.5) == (one.decision == "positive")


def test_of_several_classes_the_likeliest_is_explained() -> None:
    given = part("multiclass")
    raw = raw_scores(given.model_text, given.matrix.values)
    for place, one in enumerate(reasons(given, SHOWN, classes=CLASSES)):
        code = int(given.score[place].argmax())
        assert one.decision == CLASSES[code]
        assert one.raw == raw.raw[place, code]
    assert {one.decision for one in reasons(given, SHOWN)} <= {"0", "1", "2"}


def test_a_number_is_explained_in_both_directions() -> None:
    told = reasons(part("regression"), SHOWN)
    assert {one.decision for one in told} == {""}
    assert {reason.contribution > 0 for one in told for reason in one.reasons} == {True, False}
    sizes = [[abs(reason.contribution) for reason in one.reasons] for one in told]
    assert all(one == sorted(one, reverse=True) for one in sizes)
    undecided = reasons(part(threshold=None), SHOWN)
    assert {one.decision for one in undecided} == {""}


def test_a_calibrated_score_says_what_it_was_before() -> None:
    plain = part(n=400)
    curve = fit_calibration("platt", plain.score, plain.matrix.target, classes=("negative", "positive"))
    scorer = Scorer(plain.model_text, curve)
    given = score_part(plain.matrix, scorer, threshold=0.5, threads=1)
    one, before = reasons(given, SHOWN)[0], reasons(plain, SHOWN)[0]
    assert (one.calibration, before.calibration) == ("platt", "")
    assert one.uncalibrated == before.score != one.score
    assert one.raw == before.raw


def test_values_are_shown_as_people_write_them_and_never_those_of_persons() -> None:
    given = part("regression", n=30)
    told = {reason.feature: reason for one in reasons(given, SHOWN, most=3) for reason in one.reasons}
    assert told["place"].value in {"north", "south", "west", "another level"}
    hidden = dataclasses.replace(SHOWN, hidden=frozenset({"a", "b", "place"}))
    every = [reason for one in reasons(given, hidden, most=3) for reason in one.reasons]
    assert {(reason.value, reason.known) for reason in every} == {("", True)}
    missing = [each for one in reasons(given, SHOWN, most=3) for each in one.reasons if not each.known]
    assert missing
    assert {(each.feature, each.value) for each in missing} == {("b", "")}


@pytest.mark.parametrize(
    ("feature", "value", "text"),
    [
        ("place", 1.0, "south"),
        ("place", 9.0, "another level"),
        ("place", 0.5, "another level"),
        ("express", 1.0, "true"),
        ("express", 0.0, "false"),
        ("express", 0.25, "0.25"),
        ("distance", 1400.0, "1,400"),
        ("distance", float("nan"), ""),
        ("age", 55.0, ""),
    ],
)
def test_a_value_is_shown_by_what_it_is(feature: str, value: float, text: str) -> None:
    shown = dataclasses.replace(SHOWN, booleans=frozenset({"express"}), hidden=frozenset({"age"}))
    assert shown.text(feature, value) == text


def test_features_made_of_personal_columns_are_hidden_and_so_are_those_of_unknown_origin() -> None:
    contract = toy_spec().model_dump(mode="json")["contract"]
    contract["wind"] |= {"personal_data": "quasi", "reason": "Needed."}
    spec = toy_spec(contract=contract)
    names = ("load", "wind", "site", "both", "new")
    lineage = {"load": ("load",), "wind": ("wind",), "site": ("site",), "both": ("load", "wind"), "new": ()}
    found = shown_values(spec, levels={"site": ["a"]}, categorical=("site",), lineage=lineage, names=names)
    assert found.hidden == {"wind", "both", "new"}
    assert found.levels == {"site": ["a"]}
    open_ = shown_values(toy_spec(), levels={}, categorical=("site",), lineage=lineage, names=names)
    assert (open_.hidden, open_.levels) == (frozenset(), {})
    later = shown_values(
        toy_spec(), levels={}, categorical=(), lineage=lineage, names=names, also_personal=frozenset({"load"})
    )
    assert later.hidden == {"load", "both", "new"}


def test_contributions_that_do_not_add_up_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given = part(n=5)
    found = raw_scores(given.model_text, given.matrix.values)
    for shift in (1e-6, np.nan):
        wrong = dataclasses.replace(found, raw=found.raw + np.array([0, 0, 0, 0, shift]))
        monkeypatch.setattr(module, "raw_scores", lambda *_, wrong=wrong, **__: wrong)
        with pytest.raises(
            DataInvalid, match=r"the contributions of 1 of 5 rows miss the raw score .* train the model"
        ):
            reasons(given, SHOWN)
    right = dataclasses.replace(found, raw=found.raw + 1e-11)
    monkeypatch.setattr(module, "raw_scores", lambda *_, **__: right)
    assert len(reasons(given, SHOWN)) == 5


def test_no_rows_have_no_reasons() -> None:
    given = part(n=2)
    empty = dataclasses.replace(given, matrix=given.matrix.rows_of(np.zeros(2, dtype=bool)), score=given.score[:0])
    assert reasons(empty, SHOWN) == ()


def test_a_raw_score_is_counted_in_what_the_objective_says() -> None:
    units = {name: raw_unit(fit(learner(name), rows(name)).text) for name in ("binary", "multiclass", *NUMBERS)}
    logs = dict.fromkeys(("poisson", "gamma", "tweedie"), "log of the prediction")
    assert units == dict.fromkeys(NUMBERS, "") | logs | {"binary": "log-odds", "multiclass": "logit"}
    other = learner("regression", parameters={"num_leaves": 7, "reg_sqrt": True})
    assert raw_unit(fit(other, rows("regression")).text) == "raw score"
    steep = learner(parameters={"num_leaves": 7, "sigmoid": 2.0})
    assert raw_unit(fit(steep, rows()).text) == "raw score"


def test_a_random_forest_and_dropped_trees_are_explained_exactly_or_refused() -> None:
    for boosting in ("dart", "rf"):
        said = {"num_leaves": 7, "boosting": boosting, "bagging_fraction": 0.8, "bagging_freq": 1}
        text = fit(learner(parameters=said), rows()).text
        values = rows(n=20, seed=3).values
        found = raw_scores(text, values)
        assert found.average + found.contributions.sum(axis=1) == pytest.approx(found.raw, abs=1e-9)
        assert predict(text, values).shape == (20,)


def test_raw_scores_of_one_class_have_no_axis_of_classes() -> None:
    found = raw_scores(part().model_text, part().matrix.values)
    assert isinstance(found, lightgbm_native.RawScores)
    assert (found.average.shape, found.contributions.shape, found.raw.shape) == ((40,), (40, 3), (40,))
