"""The parts of an evaluation one by one: slices, baselines, robustness, drift, curves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.learners.lightgbm_native import fit
from ml_platform.learners.scorer import Scorer
from ml_platform.stages.baseline import measure_baselines, simple_scores
from ml_platform.stages.curves import draw_curves, roc_points
from ml_platform.stages.drift import measure_drift
from ml_platform.stages.explain import explain, measure_importance
from ml_platform.stages.group_gaps import Treated, measure_gaps
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.robustness import measure_robustness
from ml_platform.stages.scored_part import ScoredPart, score_part
from ml_platform.stages.slices import measure_slices, pool_small
from ml_platform.stages.spread import spread
from ml_platform.stages.train import rows_of
from ml_platform_tests.stages.toy import SITES, toy_matrix, toy_rows, toy_spec


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return toy_matrix(toy_rows(2400))


@pytest.fixture(scope="module")
def train(matrix: Matrix) -> Matrix:
    return matrix.part_of("train")


@pytest.fixture(scope="module")
def holdout(matrix: Matrix, train: Matrix) -> ScoredPart:
    rows = matrix.rows_of(matrix.part != "train")
    return score_part(rows, Scorer(fit(toy_spec().learner, rows_of(toy_spec(), train)).text), threshold=0.5, threads=1)


def useless(holdout: ScoredPart) -> ScoredPart:
    """Return the same rows, scored by a model of one leaf."""
    learner = toy_spec().learner.model_copy(update={"rounds": 1, "parameters": {"min_data_in_leaf": 10_000}})
    text = fit(learner, rows_of(toy_spec(), holdout.matrix)).text
    return score_part(holdout.matrix, Scorer(text), threshold=0.5, threads=1)


def test_every_row_is_in_one_slice_of_each_cut(holdout: ScoredPart) -> None:
    found = list(measure_slices(holdout, {"site": list(SITES)}))
    by_cut: dict[str, int] = {}
    for one in found:
        cut = one.subject.partition("=")[0]
        by_cut[cut] = by_cut.get(cut, 0) + one.n
    assert by_cut == {"site": holdout.score.size}  # the weeks are too small and make one pool, which cuts nothing


def test_a_feature_with_many_levels_is_no_cut(holdout: ScoredPart) -> None:
    assert not [one for one in measure_slices(holdout, {"site": [str(n) for n in range(31)]}) if "site" in one.subject]


def test_without_a_cut_all_rows_are_one_slice(holdout: ScoredPart) -> None:
    uncut = dataclasses.replace(holdout, matrix=dataclasses.replace(holdout.matrix, categorical=()))
    (found,) = measure_slices(uncut, {})
    assert (found.subject, found.n) == ("all rows", holdout.score.size)


def test_missing_categories_are_a_slice(holdout: ScoredPart) -> None:
    values = holdout.matrix.values.copy()
    values[:300, holdout.matrix.names.index("site")] = np.nan
    part = dataclasses.replace(holdout, matrix=dataclasses.replace(holdout.matrix, values=values))
    assert [one.n for one in measure_slices(part, {"site": list(SITES)}) if one.subject == "site=missing"] == [300]


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=60), st.integers(1, 30))
def test_pooling_leaves_no_small_slice_but_a_small_table(values: list[str], smallest: int) -> None:
    cut = np.array(values, dtype=object)
    _, counts = np.unique(pool_small(cut, smallest), return_counts=True)
    assert counts.sum() == cut.size
    assert counts.min() >= min(smallest, cut.size)


def test_the_model_gains_over_the_base_rate_and_a_useless_one_does_not(holdout: ScoredPart, train: Matrix) -> None:
    gain, _ = measure_baselines(holdout, train)
    assert gain.low is not None
    assert gain.low > 0
    nothing, _ = measure_baselines(useless(holdout), train)
    assert nothing.value == pytest.approx(0, abs=0.01)


def test_the_simple_model_ranks_like_an_independent_logistic_regression(holdout: ScoredPart, train: Matrix) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    mine = simple_scores(train, holdout.matrix)
    assert mine is not None
    load = [train.names.index("load")]
    site = [train.names.index("site")]
    dummies = [
        np.column_stack([m.values[:, load], np.eye(3)[m.values[:, site[0]].astype(int)]])
        for m in (train, holdout.matrix)
    ]
    theirs = LogisticRegression(C=1e4).fit(dummies[0], train.target).decision_function(dummies[1])
    ours, other = (roc_auc_score(holdout.target, score) for score in (mine, theirs))
    assert ours == pytest.approx(other, abs=0.01)


def test_a_flag_of_positive_rows_only_leaves_the_simple_model_finite(train: Matrix, holdout: ScoredPart) -> None:
    values = train.values.copy()
    values[:, train.names.index("wind")] = np.where(train.target == 1, np.nan, 0.0)
    found = simple_scores(dataclasses.replace(train, values=values), holdout.matrix)
    assert found is not None
    assert np.isfinite(found).all()


def test_without_both_classes_there_is_no_simple_model(train: Matrix, holdout: ScoredPart) -> None:
    alone = dataclasses.replace(train, target=np.zeros_like(train.target))
    _, gain = measure_baselines(holdout, alone)
    assert (gain.value, "no finite fit" in gain.reason) == (None, True)


def test_losing_the_feature_that_matters_costs_most(holdout: ScoredPart, train: Matrix) -> None:
    found = list(measure_robustness(holdout, train, seed=1))
    drops = {one.subject: one.value or 0.0 for one in found if one.metric == "missing_feature_auc_drop"}
    assert set(drops) == set(train.names)
    assert max(drops, key=lambda name: drops[name]) == "load"
    assert [one.subject for one in found if one.metric == "unseen_level_flip_share"] == ["site"]


def test_noise_is_drawn_from_the_seed_and_flips_few(holdout: ScoredPart, train: Matrix) -> None:
    first, again, other = (next(measure_robustness(holdout, train, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert 0 < (first.value or 0) < 0.2


def test_without_categories_nothing_can_be_unseen(holdout: ScoredPart, train: Matrix) -> None:
    part = dataclasses.replace(holdout, matrix=dataclasses.replace(holdout.matrix, categorical=()))
    found = [one for one in measure_robustness(part, train, seed=1) if one.metric == "unseen_level_flip_share"]
    assert [(one.value, one.facts) for one in found] == [(0.0, {"category_features": 0})]


def test_a_feature_that_is_always_missing_gets_no_noise(holdout: ScoredPart, train: Matrix) -> None:
    values = train.values.copy()
    values[:, train.names.index("wind")] = np.nan
    found = next(measure_robustness(holdout, dataclasses.replace(train, values=values), seed=1))
    assert found.value is not None


def test_the_importance_of_features_adds_up_and_names_the_strongest(holdout: ScoredPart) -> None:
    shares = explain(holdout).shares
    assert sum(shares.values()) == pytest.approx(1)
    top, *each = measure_importance(explain(holdout))
    assert top.facts["feature"] == next(iter(shares)) == "load"
    assert {one.subject: one.value for one in each} == pytest.approx(dict(shares))
    assert all(one.low is not None and one.low < shares[one.subject] for one in each)


def test_shares_of_features_count_whole_entities_as_independent(holdout: ScoredPart) -> None:
    twice = np.repeat(np.arange(holdout.target.size) // 2, 1).astype(np.uint64)
    values = holdout.matrix.values[np.arange(holdout.target.size) // 2 * 2]
    paired = dataclasses.replace(holdout, matrix=dataclasses.replace(holdout.matrix, values=values, entity=twice))
    alone = dataclasses.replace(paired, matrix=dataclasses.replace(paired.matrix, entity=None))
    wide, narrow = (next(iter(list(measure_importance(explain(part)))[1:])) for part in (paired, alone))
    assert (wide.high or 0) - (wide.low or 0) > 1.3 * ((narrow.high or 0) - (narrow.low or 0))


def test_a_constant_score_has_no_strongest_feature(holdout: ScoredPart) -> None:
    part = useless(holdout)
    top, *each = measure_importance(explain(part))
    assert (top.value, "constant" in top.reason) == (None, True)
    assert {(one.subject, one.value, one.reason) for one in each} == {
        (name, None, "no feature moves a score") for name in part.matrix.names
    }


def test_rows_of_one_kind_can_not_be_told_apart_and_shifted_ones_can(matrix: Matrix) -> None:
    even = np.arange(len(matrix.values)) % 2 == 0
    ours, theirs = matrix.rows_of(even), matrix.rows_of(~even)
    alike = measure_drift(ours, theirs, seed=1)
    assert alike.low is not None
    assert alike.low < 0.5
    shifted = measure_drift(ours, dataclasses.replace(theirs, values=theirs.values + 5.0), seed=1)
    assert shifted.value == pytest.approx(1, abs=0.01)


def of_two(holdout: ScoredPart) -> Treated:
    return Treated(
        task="binary", true=holdout.target, score=holdout.score, decision=holdout.decision, losses=holdout.target,
        classes=(), entity=holdout.entity,
    )  # fmt: skip


def test_groups_are_measured_each_against_the_best(holdout: ScoredPart) -> None:
    found = list(measure_gaps(of_two(holdout), holdout.matrix.groups))
    metrics = {one.metric for one in found}
    assert len(metrics) == 5
    assert {one.subject for one in found} <= {"crew=a vs crew=b", "crew=b vs crew=a"}
    assert {(one.confidence, one.facts["comparisons"]) for one in found} == {(0.95, 1)}


def test_combinations_of_groups_are_measured_under_a_name_of_their_own(holdout: ScoredPart) -> None:
    half = np.where(np.arange(holdout.target.size) % 2 == 0, "even", "odd").astype(object)
    found = list(measure_gaps(of_two(holdout), {**holdout.matrix.groups, "half": half}))
    together = [one for one in found if one.metric == "intersection_selection_rate_ratio"]
    assert len(together) == 3
    assert all("crew=" in one.subject and "half=" in one.subject for one in together)
    assert {one.facts["comparisons"] for one in together} == {3}
    assert {round(one.confidence or 0, 4) for one in together} == {0.9833}
    assert {one.confidence for one in found if one not in together} == {0.975}


def test_the_roc_curve_keeps_its_area_when_thinned(holdout: ScoredPart) -> None:
    from sklearn.metrics import auc, roc_auc_score

    points = np.array(roc_points(holdout.target, holdout.score))
    assert len(points) <= 162
    assert auc(points[:, 0], points[:, 1]) == pytest.approx(roc_auc_score(holdout.target, holdout.score), abs=0.005)
    assert (np.diff(points, axis=0) >= 0).all()


def test_curves_of_one_class_have_no_roc(holdout: ScoredPart) -> None:
    part = dataclasses.replace(
        holdout, matrix=dataclasses.replace(holdout.matrix, target=np.zeros_like(holdout.target))
    )
    curves = draw_curves(part, {}, None)
    assert curves.roc == ()
    assert sum(curves.positives) == 0
    assert all(one.low <= one.observed <= one.high for one in curves.calibration)


@given(st.integers(0, 300), st.integers(1, 100))
def test_a_spread_takes_as_many_as_it_may(n: int, most: int) -> None:
    assert spread(n, most).sum() == min(n, most)
