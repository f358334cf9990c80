"""The bootstrap against scipy, and the rows it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ml_platform.stats.bootstrap import bootstrap
from ml_platform.stats.delong import area
from ml_platform.stats.entities import Entities
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.resampling import resampling
from ml_platform.stats.roc_auc import roc_auc
from ml_platform_tests.stats.reading import bounds_of, width_of

if TYPE_CHECKING:
    from ml_platform.stats.columns import Floats


def mean(values: Floats) -> float:
    return float(values.mean())


@pytest.mark.parametrize(("bias_corrected", "method"), [(False, "percentile"), (True, "BCa")])
def test_intervals_equal_scipys(bias_corrected: bool, method: str) -> None:
    values = np.random.default_rng(1).gamma(0.7, size=120)
    found = bootstrap(mean, values, seed=2, repetitions=4000, bias_corrected=bias_corrected)
    oracle = stats.bootstrap((values,), np.mean, n_resamples=4000, method=method, rng=np.random.default_rng(3))
    expected = oracle.confidence_interval
    assert bounds_of(found) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_the_correction_moves_the_interval_of_a_skewed_mean_up() -> None:
    values = np.random.default_rng(1).gamma(0.3, size=60)
    plain = bootstrap(mean, values, seed=2)
    corrected = bootstrap(mean, values, seed=2, bias_corrected=True)
    assert bounds_of(corrected)[0] > bounds_of(plain)[0]
    assert bounds_of(corrected)[1] > bounds_of(plain)[1]


def test_entities_are_drawn_whole() -> None:
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(80), 6)
    values = rng.normal(size=480) + 2 * rng.normal(size=80)[person]
    found = bootstrap(mean, values, seed=5, entity=person, repetitions=2000)
    assert width_of(found) == pytest.approx(width_of(mean_interval(values, entity=person)), rel=0.1)
    assert width_of(found) > 1.5 * width_of(bootstrap(mean, values, seed=5))


def test_strata_keep_their_sizes() -> None:
    y = np.repeat([1.0, 0.0], [3, 40])
    found = bootstrap(lambda values: float(values.sum()), y, strata=y, seed=1)
    assert (found.value, *bounds_of(found)) == (3.0, 3.0, 3.0)


def test_the_interval_of_an_auc_agrees_with_delongs() -> None:
    rng = np.random.default_rng(6)
    y = rng.random(600) < 0.3
    score = y + rng.normal(size=600)
    assert bounds_of(bootstrap(area, y, score, strata=y, seed=7)) == pytest.approx(
        bounds_of(roc_auc(y, score)), abs=0.012
    )


def test_the_same_seed_draws_the_same_rows() -> None:
    values = np.arange(50.0)
    assert bootstrap(mean, values, seed=1) == bootstrap(mean, values, seed=1)
    assert bootstrap(mean, values, seed=1).low != bootstrap(mean, values, seed=2).low


@pytest.mark.parametrize("bias_corrected", [False, True])
def test_one_undefined_draw_leaves_the_value_without_an_interval(bias_corrected: bool) -> None:
    y = np.array([1.0, 0.0, 0.0])
    found = bootstrap(lambda v: None if v.sum() == 0 else mean(v), y, seed=1, bias_corrected=bias_corrected)
    assert found.value == pytest.approx(1 / 3)
    assert found.low is None
    assert isinstance(found.facts["undefined_draws"], int)
    assert found.facts["undefined_draws"] > 0


@pytest.mark.parametrize(
    ("values", "entity", "reason"),
    [
        ([], None, "no rows"),
        ([1.0, np.nan], None, "the statistic is undefined"),
        ([1.0, 2.0], np.array(["a", None]), "1 of 2 rows have no entity"),
    ],
)
def test_undefined_says_why(values: list[float], entity: object, reason: str) -> None:
    found = bootstrap(mean, values, seed=1, entity=entity)  # type: ignore[arg-type]
    assert (found.value, found.reason) == (None, reason)


def test_one_unit_has_no_interval() -> None:
    assert bootstrap(mean, [2.0], seed=1).low is None
    assert bootstrap(mean, [2.0, 3.0], seed=1, entity=["a", "a"]).low is None


@pytest.mark.parametrize("values", [[5.0] * 20, list(range(20))])
def test_a_constant_statistic_has_a_point_for_an_interval(values: list[float]) -> None:
    found = bootstrap(lambda v: 5.0, values, seed=1, bias_corrected=True)
    assert bounds_of(found) == (5.0, 5.0)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="same number"):
        bootstrap(lambda a, b: 0.0, [1.0, 2.0], [1.0], seed=1)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(0, 100))
def test_a_draw_holds_whole_entities_as_often_as_they_were_chosen(codes: list[int], seed: int) -> None:
    units = np.array(codes)
    plan = resampling(Entities(units), np.zeros(units.size, dtype=np.intp))
    (rows,) = plan.draws(np.random.default_rng(seed), 1)
    drawn = np.bincount(units[rows], minlength=6)
    whole = np.bincount(units, minlength=6)
    assert (drawn[whole > 0] % whole[whole > 0] == 0).all()
    assert (drawn[whole > 0] / whole[whole > 0]).sum() == plan.units


def test_leaving_out_takes_every_unit_once() -> None:
    plan = resampling(Entities(), np.zeros(7, dtype=np.intp))
    left = [sorted(set(range(7)) - set(rows.tolist())) for rows in plan.leave_outs(3)]
    assert sorted(row for rows in left for row in rows) == list(range(7))
    assert len(left) == 3
