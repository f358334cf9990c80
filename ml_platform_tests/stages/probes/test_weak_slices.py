"""Weak slices: found where they were planted, tested on other entities, silent where there are none."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import numpy as np
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.probes.halves import first_half
from ml_platform.stages.probes.slice_cuts import hidden_features, slice_cuts
from ml_platform.stages.probes.subject import Subject
from ml_platform.stages.probes.weak_slices import Lost, measure_weak_slices, slices_on_other_rows
from ml_platform.stages.scored_part import ScoredPart
from ml_platform_tests.stages.test_task_measures import spec_of
from ml_platform_tests.stages.toy import SITES, toy_spec

NAMES = ("load", "wind", "site")


def rows_of(n: int, *, seed: int, weak: bool = False, entity: bool = False, task: str = "binary") -> ScoredPart:
    """Return rows whose scores are the true chances, but for heavy loads in the west when `weak`."""
    rng = np.random.default_rng(seed)
    values = np.column_stack([rng.normal(size=n), rng.normal(size=n), rng.integers(0, 3, n).astype(float)])
    values[rng.random(n) < 0.1, 1] = np.nan
    chance = np.where(values[:, 0] > 0, 0.7, 0.3)
    score = np.where(weak & (values[:, 2] == 2) & (values[:, 0] > 0.3), 0.05, chance)
    target = (rng.random(n) < chance).astype(np.float64)
    scores = score if task == "binary" else np.column_stack([score / 2, 1 - score, score / 2])
    matrix = Matrix(
        values=values,
        names=NAMES,
        categorical=("site",),
        target=target if task == "binary" else 1 - target,
        part=np.full(n, "holdout"),
        entity=rng.integers(0, n // 4, n).astype(np.uint64) if entity else None,
    )
    threshold = 0.5 if task == "binary" else None
    return ScoredPart(matrix=matrix, score=scores, threshold=threshold, scorer=cast("Any", None), threads=1)


def subject_of(rows: ScoredPart, spec: ModelSpec | None = None, **lineage: tuple[str, ...]) -> Subject:
    features = cast("Any", dataclasses.make_dataclass("Features", ["lineage"])({**{n: (n,) for n in NAMES}, **lineage}))
    nothing = cast("Any", None)
    return Subject(
        spec=spec or toy_spec(), store=nothing, features=features, model=nothing, matrix=rows.matrix, holdout=rows,
        levels={"site": list(SITES)},
    )  # fmt: skip


def measured(rows: ScoredPart, spec: ModelSpec | None = None) -> list[Measurement]:
    return list(measure_weak_slices(subject_of(rows, spec)))


@pytest.mark.parametrize("entity", [False, True])
def test_a_planted_slice_is_found_and_surely_worse(entity: bool) -> None:
    first, surprise = measured(rows_of(4000, seed=1, weak=True, entity=entity))[:2]
    assert (first.metric, surprise.metric) == ("weak_slice_log_loss", "weak_slice_surprise")
    assert first.subject == surprise.subject
    assert surprise.n == first.n
    assert surprise.low is not None
    assert surprise.low > 1
    assert first.subject.startswith("load >= 0.")
    assert first.subject.endswith("and site = west")
    assert first.low is not None
    assert first.low > 1
    assert cast("float", first.facts["p_holm"]) < 1e-6
    assert {"roc_auc", "roc_auc_elsewhere", "loss_elsewhere", "slices_tested"} <= set(first.facts)


def test_an_honest_model_has_no_slice_with_more_loss_than_elsewhere_but_for_one_in_twenty() -> None:
    false = 0
    for seed in range(60):
        rows = rows_of(1000, seed=seed)
        seek = first_half(1000, None, np.random.default_rng(seed))
        cuts = list(slice_cuts(rows.matrix.values, seek, NAMES, {"site": SITES}, hidden=()))
        losses = np.random.default_rng(seed).exponential(size=1000)
        false += any(
            cast("float", one.facts.get("p_holm", 1.0)) < 0.05
            for one in slices_on_other_rows(rows, Lost(losses=losses, promised=None), cuts, seek)
        )
    assert false <= 6  # of 60 at 5 %, more than six have a chance of 3 %


def test_equal_losses_everywhere_are_no_slice_and_the_gate_sees_a_nothing() -> None:
    found = measured(dataclasses.replace(rows_of(1000, seed=1), score=np.full(1000, 0.5)))
    assert [one.metric for one in found] == ["weak_slice_log_loss", "weak_slice_surprise"]
    assert {(one.subject, one.value, one.low, one.high) for one in found} == {("all rows", 0.0, 0.0, 0.0)}


def test_a_rare_outcome_makes_slices_hard_and_no_surprise() -> None:
    rows = rows_of(20_000, seed=1)
    score = np.where(rows.matrix.values[:, 0] > 1.2, 0.3, 0.01)
    target = (np.random.default_rng(2).random(20_000) < score).astype(np.float64)
    matrix = dataclasses.replace(rows.matrix, target=target)
    hard, surprise = measured(dataclasses.replace(rows, matrix=matrix, score=score))[:2]
    assert hard.low is not None
    assert hard.low > 1
    assert surprise.low is not None
    assert surprise.high is not None
    assert surprise.low <= 0 <= surprise.high


def test_a_slice_that_is_misjudged_is_found_though_others_are_harder() -> None:
    rows = rows_of(20_000, seed=1)
    easy, north = rows.matrix.values[:, 0] > 0, rows.matrix.values[:, 2] == 0
    chance = np.where(easy, np.where(north, 0.2, 0.02), 0.5)
    target = (np.random.default_rng(2).random(20_000) < chance).astype(np.float64)
    matrix = dataclasses.replace(rows.matrix, target=target)
    found = measured(dataclasses.replace(rows, matrix=matrix, score=np.where(easy, 0.02, 0.5)))
    surprises = [one for one in found if one.metric == "weak_slice_surprise" and (one.low or 0.0) > 0.25]
    assert any("site = north" in one.subject for one in surprises)


def test_too_few_rows_and_losses_that_arent_finite_are_undefined() -> None:
    few, other = measured(rows_of(159, seed=1))
    assert (few.value, other.value) == (None, None)
    assert few.reason == other.reason
    assert few.reason == "159 rows; 160 are needed to look for slices in one half and test in another"
    rows = rows_of(1000, seed=1)
    bad, _ = measured(dataclasses.replace(rows, score=np.full(1000, np.nan)))
    assert bad.value is None
    assert "not finite" in bad.reason


def test_several_classes_promise_a_loss_and_numbers_dont() -> None:
    several = measured(rows_of(4000, seed=1, weak=True, task="multiclass"), spec_of("multiclass"))
    assert {one.metric for one in several} == {"weak_slice_log_loss", "weak_slice_surprise"}
    assert "roc_auc" not in several[0].facts
    rows = rows_of(4000, seed=1, weak=True)
    number = measured(dataclasses.replace(rows, threshold=None), spec_of("regression"))
    assert number[0].subject.endswith("site = west")
    assert {one.metric for one in number} == {"weak_slice_loss"}


def test_the_same_seed_finds_the_same() -> None:
    rows = rows_of(2000, seed=1, weak=True)
    assert measured(rows) == measured(rows)


def test_halves_hold_whole_entities() -> None:
    entity = np.repeat(np.arange(50), 4).astype(np.uint64)
    half = first_half(200, entity, np.random.default_rng(1))
    assert set(entity[half]).isdisjoint(entity[~half])
    assert half.sum() == 100
    assert first_half(0, None, np.random.default_rng(1)).size == 0


def test_numbers_about_persons_are_said_by_quantiles() -> None:
    spec = toy_spec().model_dump(mode="json", exclude_none=True)
    spec["contract"]["load"] = {"type": "number", "personal_data": "quasi", "reason": "Test."}
    hidden = hidden_features(toy_spec(**spec), {"load": ("load",), "heavy": ("load", "wind"), "wind": ("wind",)})
    assert hidden == {"load", "heavy"}
    values = np.arange(100.0)[:, None]
    (cut,) = slice_cuts(values, np.ones(100, dtype=np.bool_), ["load"], {}, hidden=hidden)
    assert cut.words[0] == "load in its lowest 10 %"
    assert "load in its highest 20 %" in cut.words
    assert "load from its 30 % to its 50 % quantile" in cut.words


def test_conditions_say_bounds_levels_and_what_is_missing() -> None:
    values = np.column_stack([np.tile([1.0, 2.0, 3.0, np.nan], 25), np.tile([0.0, 1.0, 7.0, np.nan], 25)])
    seen = np.ones(100, dtype=np.bool_)
    number, level = slice_cuts(values, seen, ["load", "site"], {"site": ["north", "south"]}, hidden=())
    assert set(number.words) == {"load = 1", "load >= 2", "load < 3", "load = 3", "load = 2", "load is missing"}
    assert level.words == ("site = north", "site = south", "site = level 8", "site is missing")
    for cut, words in ((number.cut, number.words), (level.cut, level.words)):
        assert len(words) == len(cut.conditions)
        assert cut.rows(len(words) - 1).tolist() == np.isnan(values[:, 0]).tolist()
    assert number.cut.rows(number.words.index("load = 2")).tolist() == (values[:, 0] == 2).tolist()


def test_levels_beyond_the_thirty_most_frequent_are_no_condition() -> None:
    values = np.concatenate([np.repeat(np.arange(30.0), 3), np.arange(30.0, 40.0)])[:, None]
    (cut,) = slice_cuts(
        values, np.ones(100, dtype=np.bool_), ["site"], {"site": [str(i) for i in range(40)]}, hidden=()
    )
    assert len(cut.words) == 31
    assert cut.cut.conditions.sum() == 31
