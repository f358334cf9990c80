"""A candidate is compared with the champion in every respect that counts, and slice by slice."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from ml_platform.core.measurement import Measurement
from ml_platform.learners.scorer import Scorer
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.against_live import Duel, measure_against_live, measure_slices_against_live
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.plain_slices import Slice, plain_slices
from ml_platform.stages.scored_part import ScoredPart
from ml_platform_tests.stages.toy import toy_spec

RNG = np.random.default_rng(3)
N = 3_000
KNOWN, HIDDEN = RNG.normal(size=(2, N))
CAME = (RNG.random(N) < 1 / (1 + np.exp(-KNOWN - HIDDEN))) * 1.0
CREW = RNG.integers(0, 3, N) * 1.0
COSTS = {"deployment": {"costs": {"false_positive": 1, "false_negative": 4}}}


def sigmoid(score: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-score)))


def duel(spec: ModelSpec, true: np.ndarray, own: np.ndarray, theirs: np.ndarray, **more: Any) -> Duel:
    town = np.array([None if far else "a" for far in HIDDEN > 1], dtype=object)[: true.size]
    matrix = Matrix(
        values=np.column_stack([KNOWN, CREW])[: true.size], names=("load", "crew"), categorical=("crew",), target=true,
        part=np.full(true.size, "holdout"), groups={"town": town}, **more,
    )  # fmt: skip
    binary = spec.learner.task == "binary"
    rows = ScoredPart(matrix=matrix, score=own, threshold=0.4 if binary else None, scorer=Scorer(""), threads=1)
    return Duel(spec=spec, candidate=rows, champion=theirs, champion_threshold=0.6 if binary else None)


def gains(one: Duel) -> dict[str, Measurement]:
    found = measure_against_live(one, {"crew": ["a", "b", "c"]}, {})
    return {each.subject: each for each in found if each.metric == "gain_over_champion"}


BINARY = duel(toy_spec(**COSTS), CAME, sigmoid(KNOWN + 0.5 * HIDDEN), sigmoid(0.8 * KNOWN))


def test_decisions_are_compared_by_mcnemar_each_by_its_own_threshold() -> None:
    found = gains(BINARY)["accuracy"]
    mine, theirs = (BINARY.candidate.score >= 0.4) == (CAME == 1), (BINARY.champion >= 0.6) == (CAME == 1)
    table = [[int((a & b).sum()) for b in (theirs, ~theirs)] for a in (mine, ~mine)]
    exact = mcnemar(table, exact=True).pvalue
    assert found.value == pytest.approx(mine.mean() - theirs.mean())
    assert (found.facts["candidate"], found.facts["champion"]) == (mine.mean(), theirs.mean())
    assert exact / 2 <= float(found.facts["p_value"] or 0) <= exact


@pytest.mark.parametrize("name", ["brier", "expected_cost"])
def test_means_are_compared_by_students_paired_test(name: str) -> None:
    found = gains(BINARY)[name]
    own, theirs = BINARY.candidate.score, BINARY.champion
    if name == "brier":
        lost = [(own - CAME) ** 2, (theirs - CAME) ** 2]
    else:
        lost = [np.where(CAME == 1, 4.0 * ~yes, 1.0 * yes) for yes in (own >= 0.4, theirs >= 0.6)]
    oracle = stats.ttest_rel(lost[1], lost[0])
    assert found.value == pytest.approx(lost[1].mean() - lost[0].mean())
    assert float(found.facts["p_value"] or 0) == pytest.approx(oracle.pvalue, abs=1e-12)
    assert (found.low, found.high) == pytest.approx(tuple(oracle.confidence_interval(0.95)))
    assert float(found.facts["smallest_detectable"] or 0) > 0


def test_costs_are_compared_only_where_they_are_declared_and_decisions_where_the_champion_decides() -> None:
    plain = dataclasses.replace(BINARY, spec=toy_spec())
    assert set(gains(plain)) == {"log_loss", "brier", "accuracy", "recall", "specificity"}
    assert set(gains(dataclasses.replace(plain, champion_threshold=None))) == {"log_loss", "brier"}


def test_equal_models_gain_nothing_and_have_no_p_value() -> None:
    same = dataclasses.replace(BINARY, champion=BINARY.candidate.score, champion_threshold=0.4)
    assert {one.value for one in gains(same).values()} == {0.0}
    assert gains(same)["log_loss"].facts["p_value"] is None


def test_other_tasks_are_compared_by_their_own_losses() -> None:
    number = toy_spec(learner={"kind": "lightgbm", "objective": "regression", "seed": 7, "threads": 1, "rounds": 30})
    found = gains(duel(number, KNOWN, KNOWN + 0.1 * HIDDEN, KNOWN + 0.3 * HIDDEN))
    assert set(found) == {"mean_absolute_error", "mean_squared_error"}
    assert found["mean_absolute_error"].value == pytest.approx(0.2 * np.abs(HIDDEN).mean())


def test_entities_make_the_comparison_less_sure() -> None:
    twice = np.arange(N // 2).astype(np.uint64).repeat(2)
    true, own, theirs = (one[: N // 2].repeat(2) for one in (CAME, BINARY.candidate.score, BINARY.champion))
    rows, alone = duel(toy_spec(), true, own, theirs, entity=twice), duel(toy_spec(), true, own, theirs)
    wide, narrow = gains(rows)["log_loss"], gains(alone)["log_loss"]
    assert (wide.high or 0) - (wide.low or 0) > 1.3 * ((narrow.high or 0) - (narrow.low or 0))
    assert all(one.facts["slices_tested"] for one in measure_against_live(rows, {}, {}) if "slice" in one.metric)


def test_the_slice_that_got_worse_is_the_one_that_is_found() -> None:
    worse = np.where(CREW == 1, sigmoid(-KNOWN), sigmoid(KNOWN))
    one = duel(toy_spec(), CAME, worse, sigmoid(KNOWN))
    found = {each.subject: each for each in measure_against_live(one, {"crew": ["a", "b", "c"]}, {})}
    bad, fine = found["crew = b"], found["crew = a"]
    assert (bad.low or 0) > 0
    assert float(bad.facts["p_holm"] or 0) < 0.001
    assert (fine.value, fine.facts["p_holm"]) == (0.0, 1.0)
    assert {"town = missing", "town = a"} <= set(found)


def test_intervals_of_slices_hold_together() -> None:
    half = np.arange(N) < N // 2
    alone = list(measure_slices_against_live(BINARY, [Slice("first", half)]))
    both = list(measure_slices_against_live(BINARY, [Slice("first", half), Slice("rest", ~half)]))
    assert (both[0].confidence, alone[0].confidence) == (0.975, 0.95)
    assert (both[0].high or 0) > (alone[0].high or 0)
    (none,) = measure_slices_against_live(BINARY, [])
    assert (none.value, none.reason) == (None, "no slice has 100 rows inside and as many outside")


def test_slices_are_single_conditions_with_enough_rows_on_both_sides() -> None:
    matrix = dataclasses.replace(
        BINARY.candidate.matrix,
        time=np.datetime64("2024-01-01", "us") + np.arange(N) * np.timedelta64(10, "m"),
    )
    found = {one.name: int(one.rows.sum()) for one in plain_slices(toy_spec(), matrix, {"crew": ["a"]}, {})}
    assert all(100 <= rows <= N - 100 for rows in found.values())
    assert {"crew = a", "crew = level 2", "town = a", "week = 2024-01-01"} <= set(found)
    assert sum("load" in name for name in found) == 4
