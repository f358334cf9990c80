"""What the full evaluation finds out about explanations: their stability, curves of features, example decisions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.core.probes import Dependence
from ml_platform.learners.lightgbm_native import contributions, fit
from ml_platform.learners.scorer import Scorer
from ml_platform.policy.expectations import Directional, Expectations
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.probes import dependence, stability
from ml_platform.stages.probes.contributed import Contributed, contributed
from ml_platform.stages.probes.dependence import measure_dependence
from ml_platform.stages.probes.examples import choose_examples
from ml_platform.stages.probes.explanations import probe_explanations, shown_of
from ml_platform.stages.probes.stability import measure_stability, overlap
from ml_platform.stages.probes.subject import Subject
from ml_platform.stages.scored_part import score_part
from ml_platform.stages.shown_values import ShownValues
from ml_platform.stages.train import rows_of
from ml_platform_tests.stages.probes.world import trained_in
from ml_platform_tests.stages.test_task_measures import matrix_of, spec_of
from ml_platform_tests.stages.toy import SITES, toy_spec

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    found = trained_in(tmp_path_factory.mktemp("repository"))
    return dataclasses.replace(found, levels={"site": SITES})


@pytest.fixture(scope="module")
def shown(subject: Subject) -> ShownValues:
    return shown_of(subject)


@pytest.fixture(scope="module")
def known(subject: Subject) -> Contributed:
    return contributed(subject)


@pytest.fixture(scope="module", params=["multiclass", "regression", "quantile"])
def other(request: pytest.FixtureRequest, subject: Subject) -> Subject:
    """Return the toy model of another task."""
    spec, matrix = spec_of(request.param), matrix_of(request.param)
    text = fit(spec.learner, rows_of(spec, matrix.part_of("train"))).text
    return with_model(dataclasses.replace(subject, spec=spec, matrix=matrix), text, threshold=None)


def with_model(subject: Subject, text: str, *, threshold: float | None = 0.5, **holdout: Any) -> Subject:
    rows = dataclasses.replace(subject.matrix.part_of("holdout"), **holdout)
    return dataclasses.replace(subject, holdout=score_part(rows, Scorer(text), threshold=threshold, threads=1))


def constant(subject: Subject) -> Subject:
    """Return the same subject with a model of one leaf."""
    learner = toy_spec().learner.model_copy(update={"rounds": 1, "parameters": {"min_data_in_leaf": 10_000}})
    return with_model(subject, fit(learner, rows_of(toy_spec(), subject.matrix)).text)


def by_metric(found: Sequence[Measurement], metric: str) -> dict[str, Measurement]:
    return {one.subject: one for one in found if one.metric == metric}


# ------------------------------------------------------------------------------------------------------ stability


def test_stability_is_measured_with_intervals_and_the_same_again(subject: Subject, known: Contributed) -> None:
    found = list(measure_stability(subject, known))
    assert [one.metric for one in found] == ["explanation_stability", "importance_agreement"]
    for one in found:
        assert one.value is not None
        assert 0 <= (one.low or 0) <= one.value <= (one.high or 0) <= 1
        assert (one.n, one.confidence) == (200, 0.95)
    assert found == list(measure_stability(subject, contributed(subject)))
    assert found[0].facts == {"strongest_features": 3, "noise_of_standard_deviation": 0.05}


def test_stability_is_measured_of_every_task(other: Subject) -> None:
    assert all(0 < (one.value or 0) <= 1 for one in measure_stability(other, contributed(other)))


def test_without_noise_every_explanation_stays(
    subject: Subject, known: Contributed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stability, "noisy_values", lambda rows, *_: rows.values)
    assert next(measure_stability(subject, known)).value == 1
    monkeypatch.setattr(stability, "noisy_values", lambda rows, *_: rows.values + 5.0)
    assert (next(measure_stability(subject, known)).value or 1) < 0.9


def test_features_that_say_the_same_take_turns_as_reasons(subject: Subject) -> None:
    def stable(twins: int) -> float:
        rng = np.random.default_rng(1)
        values = rng.normal(size=(1200, 6))
        target = (values @ [2.0, 1.5, 1.0, 0.2, 0.1, 0.1] + rng.normal(size=1200) > 0).astype(np.float64)
        every = np.column_stack([values, *(values + 0.02 * rng.normal(size=values.shape) for _ in range(twins))])
        names = tuple(f"f{place}" for place in range(every.shape[1]))
        matrix = dataclasses.replace(subject.matrix, values=every, names=names, categorical=(), target=target)
        text = fit(toy_spec().learner, rows_of(toy_spec(), matrix.part_of("train"))).text
        asked = with_model(dataclasses.replace(subject, matrix=matrix), text)
        return next(measure_stability(asked, contributed(asked))).value or 0.0

    assert stable(0) > stable(2) + 0.02


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        ([4, 3, 2, 1], [1, 2, 3, 4], 2 / 3),
        ([4, -3, 2, 1], [-4, 3, -2, 1], 1),
        ([1, 2], [2, 1], 0),  # of two features only the strongest counts
        ([1], [2], 1),
        ([0, 0, 0, 0], [0, 0, 0, 0], 1),
        ([0, 0, 0, 0], [0, 1, 2, 3], 2 / 3),
        ([5, 4, 3, 0, 0, 0], [0, 0, 0, 5, 4, 3], 0),
    ],
)
def test_the_overlap_is_that_of_the_strongest_features(before: list[float], after: list[float], share: float) -> None:
    found = overlap(np.array([before], dtype=np.float64), np.array([after], dtype=np.float64))
    assert found.tolist() == pytest.approx([share])


def test_halves_agree_fully_when_every_row_is_explained_alike(subject: Subject, known: Contributed) -> None:
    alike = dataclasses.replace(known, found=np.tile(known.found[:1], (len(known.found), 1)))
    found = list(measure_stability(subject, alike))[1]
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))


def test_halves_of_different_kinds_of_rows_disagree_as_counted_by_hand(subject: Subject, known: Contributed) -> None:
    rows = dataclasses.replace(known.rows, matrix=dataclasses.replace(known.rows.matrix, entity=None)).spread(2)
    two = Contributed(rows=rows, found=np.array([[1.0, 3.0, 0, 0], [2.0, 0, 0, -2.0]]))
    found = list(measure_stability(subject, two))[1]
    assert (found.value, found.low) == pytest.approx((0.25, 0.25))  # both give a quarter to the first feature


def test_whole_entities_go_into_one_half(subject: Subject, known: Contributed) -> None:
    entity = np.zeros(len(known.found), dtype=np.uint64)
    one = dataclasses.replace(known.rows, matrix=dataclasses.replace(known.rows.matrix, entity=entity))
    found = list(measure_stability(subject, dataclasses.replace(known, rows=one)))[1]
    assert (found.value, found.reason) == (None, "all rows belong together: there are no two halves")
    entity[100:] = 1
    found = list(measure_stability(subject, dataclasses.replace(known, rows=one)))[1]
    assert found.facts["units"] == 2


def test_a_constant_score_has_no_importance_that_halves_could_agree_on(subject: Subject) -> None:
    flat = constant(subject)
    kept, agreed = measure_stability(flat, contributed(flat))
    assert kept.value == 1
    assert (agreed.value, agreed.reason) == (None, "no feature moves a score")


# ----------------------------------------------------------------------------------------------------- dependence


def test_average_curves_are_those_of_scikit_learn(subject: Subject, known: Contributed, shown: ShownValues) -> None:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.inspection import partial_dependence

    class Wrapped(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, *_: object) -> Wrapped:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        @property
        def classes_(self) -> Floats:
            return np.array([0.0, 1.0])

        def predict_proba(self, values: Floats) -> Floats:
            score = subject.holdout.score_again(np.asarray(values))
            return np.column_stack([1 - score, score])

    measured, drawn = measure_dependence(subject, known, shown)
    assert {one.feature for one in drawn} == {"load", "wind", "site", "both"}
    for one in drawn:
        place = subject.holdout.matrix.names.index(one.feature)
        grid = [SITES.index(point.level) if point.level else point.at for point in one.points]
        theirs = partial_dependence(
            Wrapped(), subject.holdout.matrix.values, [place], kind="both", custom_values={place: np.array(grid, float)}
        )
        assert [point.score for point in one.points] == pytest.approx(theirs["average"][0], abs=1e-12)
        assert by_metric(measured, "partial_dependence")[one.feature].value == pytest.approx(
            np.ptp(theirs["average"][0]), abs=1e-12
        )
        own = theirs["individual"][0] - theirs["individual"][0].mean(axis=1, keepdims=True)
        moves = np.ptp(own, axis=1) > 1e-12
        against = [np.dot(row, own.mean(axis=0)) < 0 for row in own[moves]]
        if one.feature == "site":  # levels have no order to go against
            assert one.against is None
            assert "site" not in by_metric(measured, "against_average_share")
            continue
        assert one.against == pytest.approx(np.mean(against))
        assert by_metric(measured, "against_average_share")[one.feature].n == moves.sum()
        bounds = [edge for point in one.points for edge in (point.rows_low, point.rows_high, point.low, point.high)]
        assert all(0 <= (edge or 0.0) <= 1 for edge in bounds)


def test_intervals_are_those_of_the_move_and_hold_the_curve(
    subject: Subject, known: Contributed, shown: ShownValues
) -> None:
    _, drawn = measure_dependence(subject, known, shown)
    for one in drawn:
        assert sum(point.n for point in one.points) == int(
            (~np.isnan(subject.holdout.matrix.column(one.feature))).sum()
        )
        assert [point.rank for point in one.points] == sorted(point.rank for point in one.points)
        for point in one.points:
            assert (point.low or 0) <= point.score <= (point.high or 0)
            assert point.rows_low <= point.rows_high
    load = next(one for one in drawn if one.feature == "load")
    assert load.points[0].score < load.points[-1].score
    assert len(load.points) == dependence.POINTS


def test_every_task_has_curves_and_several_classes_say_of_which(other: Subject) -> None:
    measured, drawn = measure_dependence(other, contributed(other), shown_of(other))
    several = other.spec.learner.task == "multiclass"
    assert all(bool(one.of) == several for one in drawn)
    assert {one.of for one in drawn} <= {*other.spec.classes, ""}
    ranges = by_metric(measured, "partial_dependence")
    assert all(one.value is not None and one.value >= 0 for one in ranges.values())
    assert any(", probability of " in name for name in ranges) == several


def test_features_with_a_declared_direction_are_drawn_too(
    subject: Subject, known: Contributed, shown: ShownValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependence, "FEATURES", 1)
    expected = Expectations(
        directional=(
            Directional(column="wind", by=1.0, score="rises", at_most=0.1),
            Directional(column="wind", by=2.0, score="rises", at_most=0.1),
            Directional(column="load", by=1.0, score="rises", at_most=0.1),
            Directional(column="day", by=1.0, score="rises", at_most=0.1),
        )
    )
    asked = dataclasses.replace(subject, spec=subject.spec.model_copy(update={"expectations": expected}))
    assert [one.feature for one in measure_dependence(asked, known, shown)[1]] == ["load", "wind"]


def test_the_class_of_a_declared_direction_is_the_one_that_is_drawn(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependence, "FEATURES", 0)
    spec, matrix = spec_of("multiclass"), matrix_of("multiclass")
    expected = Expectations(
        directional=tuple(Directional(column="load", by=1.0, score="rises", of=of, at_most=0.1) for of in spec.classes)
    )
    spec = spec.model_copy(update={"expectations": expected})
    text = fit(spec.learner, rows_of(spec, matrix.part_of("train"))).text
    asked = with_model(dataclasses.replace(subject, spec=spec, matrix=matrix), text, threshold=None)
    _, drawn = measure_dependence(asked, contributed(asked), shown_of(asked))
    assert [(one.feature, one.of) for one in drawn] == [("load", of) for of in spec.classes]


def test_values_of_persons_are_places_in_their_order_and_levels_those_that_may_be_shown(
    subject: Subject, known: Contributed, shown: ShownValues
) -> None:
    masked = dataclasses.replace(subject, levels={"site": ["level 1", "level 2", "level 3"]})
    hidden = dataclasses.replace(shown, hidden=frozenset({"load", "site"}))
    drawn = {one.feature: one for one in measure_dependence(masked, known, hidden)[1]}
    assert {point.at for point in drawn["load"].points} == {None}
    assert [point.level for point in drawn["site"].points] == ["level 1", "level 2", "level 3"]
    assert all(point.at is not None for point in drawn["wind"].points)
    unnamed = dataclasses.replace(subject, levels={})
    site = next(one for one in measure_dependence(unnamed, known, hidden)[1] if one.feature == "site")
    assert [point.level for point in site.points] == ["level 1", "level 2", "level 3"]


def test_no_value_of_a_person_is_kept(subject: Subject, known: Contributed) -> None:
    contract = subject.spec.model_dump(mode="json")["contract"]
    contract["wind"] |= {"personal_data": "quasi", "reason": "Needed."}
    lineage = {**subject.features.lineage, "both": ("load", "wind")}
    features = dataclasses.replace(subject.features, lineage=lineage)
    asked = dataclasses.replace(subject, spec=toy_spec(contract=contract), features=features)
    hidden = shown_of(asked)
    assert hidden.hidden == {"wind", "both"}
    curves = [one for one in measure_dependence(asked, known, hidden)[1] if one.feature in hidden.hidden]
    assert {point.at for one in curves for point in one.points} == {None}
    told = [reason for one in choose_examples(asked, hidden) for reason in one.told.reasons]
    assert {(reason.value, reason.known) for reason in told if reason.feature in hidden.hidden} == {("", True)}
    assert all(reason.value for reason in told if reason.feature == "load")


def changed(matrix: Matrix, name: str, values: Floats) -> Floats:
    found = matrix.values.copy()
    found[:, matrix.names.index(name)] = values
    return found


@pytest.mark.parametrize("value", [1.0, np.nan])
def test_a_feature_without_two_values_has_no_curve(subject: Subject, shown: ShownValues, value: float) -> None:
    rows = subject.matrix.part_of("holdout")
    flat = with_model(subject, subject.holdout.model_text, values=changed(rows, "load", np.full(200, value)))
    known = dataclasses.replace(contributed(subject), rows=flat.holdout)
    measured, drawn = measure_dependence(flat, known, shown)
    assert "load" not in {one.feature for one in drawn} | {one.subject for one in measured}


def test_a_score_that_nothing_moves_has_no_curves(subject: Subject, shown: ShownValues) -> None:
    flat = constant(subject)
    assert measure_dependence(flat, contributed(flat), shown) == ((), ())
    known = contributed(subject)  # a feature that moves no row of those that are drawn
    measured, drawn = measure_dependence(flat, known, shown)
    assert {one.reason for one in measured if one.metric == "against_average_share"} == {"no row's score moves with it"}
    assert {one.value for one in measured if one.metric == "partial_dependence"} == {0.0}
    assert {one.against for one in drawn} == {None}


def test_few_values_are_all_points_and_many_levels_only_the_commonest(
    subject: Subject, known: Contributed, shown: ShownValues
) -> None:
    rows = subject.matrix.part_of("holdout")
    steps = np.repeat(np.arange(4.0), 50)
    few = with_model(subject, subject.holdout.model_text, values=changed(rows, "load", steps))
    found = {one.feature: one for one in measure_dependence(few, known, shown)[1]}
    assert [(point.at, point.n) for point in found["load"].points] == [(0, 50), (1, 50), (2, 50), (3, 50)]
    levels = np.concatenate([np.arange(15.0), np.repeat(np.arange(5.0, 15.0), 18), np.zeros(5)])
    many = with_model(subject, subject.holdout.model_text, values=changed(rows, "site", levels))
    site = next(one for one in measure_dependence(many, known, shown)[1] if one.feature == "site")
    assert [point.level for point in site.points] == [f"level {code + 1}" for code in range(5, 15)]
    assert {point.n for point in site.points} == {19}


def test_fewer_rows_of_a_large_model_are_moved(
    subject: Subject, known: Contributed, shown: ShownValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependence, "ROW_TREES", 1)
    assert {one.rows for one in measure_dependence(subject, known, shown)[1]} == {50}


def test_whole_entities_count_as_independent(subject: Subject, known: Contributed, shown: ShownValues) -> None:
    text = subject.holdout.model_text
    few = with_model(subject, text, entity=(np.arange(200) // 50).astype(np.uint64))
    alone = with_model(subject, text, entity=None)

    def width(asked: Subject) -> float:
        found: Dependence = measure_dependence(asked, known, shown)[1][0]
        return (found.points[0].high or 0) - (found.points[0].low or 0)

    assert width(few) > width(alone)


@pytest.mark.parametrize("rows", [1, 2])
def test_one_or_two_rows_are_measured_without_pretending_to_know_much(
    subject: Subject, other: Subject, rows: int
) -> None:
    for whole in (subject, other):
        few = dataclasses.replace(whole, holdout=whole.holdout.rows_of(np.arange(200) < rows))
        known, shown = contributed(few), shown_of(few)
        measured, drawn = measure_dependence(few, known, shown)
        stable = list(measure_stability(few, known))
        assert {one.n <= rows for one in (*measured, *stable)} == {True}
        assert rows > 1 or (measured, drawn) == ((), ())
        assert stable[1].value is None or rows > 1
        assert choose_examples(few, shown)


def test_a_single_feature_is_explained_by_itself(subject: Subject) -> None:
    matrix = subject.matrix
    alone = dataclasses.replace(matrix, values=matrix.values[:, :1], names=("load",), categorical=())
    text = fit(toy_spec().learner, rows_of(toy_spec(), alone.part_of("train"))).text
    asked = with_model(dataclasses.replace(subject, matrix=alone), text)
    assert [one.value for one in measure_stability(asked, contributed(asked))] == pytest.approx([1, 1])
    assert [one.feature for one in measure_dependence(asked, contributed(asked), shown_of(asked))[1]] == ["load"]


# ------------------------------------------------------------------------------------------------------- examples


def test_a_clear_yes_a_clear_no_and_a_close_call_are_shown(subject: Subject, shown: ShownValues) -> None:
    found = {one.kind: one.told for one in choose_examples(subject, shown)}
    assert list(found) == ["a clear yes", "a clear no", "a close call"]
    yes, no, close = found.values()
    assert (yes.decision, no.decision) == ("positive", "negative")
    distances = np.abs(subject.holdout.score - (subject.holdout.threshold or 0))
    assert isinstance(close.score, float)
    assert abs(close.score - (subject.holdout.threshold or 0)) == distances.min()
    assert all(one.score == subject.holdout.score[one.row - 1] for one in found.values())


def test_examples_keep_their_numbers_when_only_some_rows_are_probed(subject: Subject, shown: ShownValues) -> None:
    some = dataclasses.replace(subject, holdout=subject.holdout.spread(50))
    for one in choose_examples(some, shown):
        assert one.told.score == subject.holdout.score[one.told.row - 1]


@pytest.mark.parametrize(("threshold", "kind"), [(0.0, "a clear no"), (1.1, "a clear yes")])
def test_where_all_decisions_are_alike_there_is_no_example_of_the_other(
    subject: Subject, shown: ShownValues, threshold: float, kind: str
) -> None:
    alike = with_model(subject, subject.holdout.model_text, threshold=threshold)
    assert kind not in {one.kind for one in choose_examples(alike, shown)}


def test_every_task_has_examples(other: Subject) -> None:
    found = choose_examples(other, shown_of(other))
    several = other.spec.learner.task == "multiclass"
    kinds = ["a sure decision", "a close call"] if several else ["a high prediction", "a low prediction"]
    assert [one.kind for one in found][:2] == kinds
    assert {one.told.decision in other.spec.classes for one in found} == {several}


def test_all_of_it_is_asked_at_once_and_the_same_again(
    subject: Subject, known: Contributed, shown: ShownValues
) -> None:
    found = probe_explanations(subject)
    measured, drawn = measure_dependence(subject, known, shown)
    assert found.measurements == (*measure_stability(subject, known), *measured)
    assert (found.dependence, found.examples) == (drawn, choose_examples(subject, shown))


def test_one_row_is_example_enough(subject: Subject, shown: ShownValues) -> None:
    alone = dataclasses.replace(subject, holdout=subject.holdout.rows_of(np.arange(200) == 7))
    assert len(choose_examples(alone, shown)) == 2


def test_contributions_of_several_classes_are_those_of_the_likeliest(subject: Subject) -> None:
    spec, matrix = spec_of("multiclass"), matrix_of("multiclass")
    text = fit(spec.learner, rows_of(spec, matrix.part_of("train"))).text
    asked = contributed(with_model(dataclasses.replace(subject, spec=spec, matrix=matrix), text, threshold=None))
    whole = contributions(text, asked.rows.matrix.values)
    decided = asked.decided(asked.found)
    for place, code in enumerate(asked.rows.score.argmax(axis=1)):
        assert decided[place].tolist() == whole[place, code].tolist()
