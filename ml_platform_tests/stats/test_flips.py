"""Turned outcomes are counted truly, and contrasts of ratios are Welch's where ratios are means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ml_platform.stats.flip_evidence import flip_evidence
from ml_platform.stats.ratio_contrast import Contrast, ratio_contrast


def test_a_contrast_of_means_is_welchs() -> None:
    rng = np.random.default_rng(1)
    values, inside = rng.normal(size=300), rng.random(300) < 0.3
    found = ratio_contrast(values, np.ones(300), inside, ~inside)
    assert found is not None
    welch = scipy_stats.ttest_ind(values[inside], values[~inside], equal_var=False)
    assert found.z == pytest.approx(welch.statistic)
    assert (found.inside, found.outside) == (int(inside.sum()), int((~inside).sum()))


def test_a_ratios_spread_is_that_of_the_bootstrap() -> None:
    rng = np.random.default_rng(2)
    denominator = rng.uniform(0.5, 2, 800)
    numerator = denominator * 0.3 + rng.normal(scale=0.5, size=800)
    inside = np.arange(800) < 400
    found = ratio_contrast(numerator, denominator, inside, ~inside)
    assert found is not None
    drawn = []
    for _ in range(400):
        one, other = rng.integers(0, 400, 400), rng.integers(400, 800, 400)
        drawn.append(numerator[one].sum() / denominator[one].sum() - numerator[other].sum() / denominator[other].sum())
    assert found.standard_error == pytest.approx(np.std(drawn), rel=0.15)


@pytest.mark.parametrize("z", [-2.0, 0.0, 1.5])
def test_p_values_are_the_normals(z: float) -> None:
    found = Contrast(z, 1.0, 5, 5)
    assert found.p_value(two_sided=False) == pytest.approx(scipy_stats.norm.sf(z))
    assert found.p_value(two_sided=True) == pytest.approx(2 * scipy_stats.norm.sf(abs(z)))


def test_without_rows_weight_or_spread_there_is_no_contrast() -> None:
    ones, flags = np.ones(4), np.array([True, True, False, False])
    assert ratio_contrast(ones, ones, flags, ~flags) is None
    assert ratio_contrast(np.arange(4.0), ones, np.array([True, False, False, False]), ~flags) is None
    assert ratio_contrast(np.arange(4.0), ones, flags, np.zeros(4, dtype=bool)) is None
    assert ratio_contrast(np.arange(4.0), np.zeros(4), flags, ~flags) is None


@pytest.mark.parametrize("turned", [0.0, 0.1, 0.3])
def test_the_share_of_turned_outcomes_is_estimated_truly(turned: float) -> None:
    rng = np.random.default_rng(3)
    score = rng.uniform(0.05, 0.6, 200_000)
    outcome = (rng.random(score.size) < score) ^ (rng.random(score.size) < turned)
    told, information = flip_evidence(outcome.astype(np.float64), score)
    assert told.sum() / information.sum() == pytest.approx(turned, abs=0.01)


def test_a_sure_score_tells_no_more_than_a_less_sure_one() -> None:
    told, _ = flip_evidence(np.array([1.0, 1.0, 0.0]), np.array([1e-9, 0.05, 1.0]))
    assert told[0] == pytest.approx(told[1])
    assert np.isfinite(told).all()
