"""The detector's scores are histograms' log densities; of rows like the calibration rows it flags the stated share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.histograms import DECIMALS, MOST_USUAL, PValues, Strangeness, fit_detector

NUMBERS = np.zeros(2, dtype=np.bool_)


def drawn(count: int, seed: int, *, columns: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(count, columns))
    found[:, -1] = rng.exponential(size=count)
    return found


def test_strangeness_is_minus_the_log_of_the_densities_that_scipy_finds_in_the_same_bins() -> None:
    train = drawn(4000, 1)
    found = fit_detector(train, drawn(400, 2), categorical=NUMBERS, flagged_share=0.05)
    rows = np.clip(drawn(300, 3), train.min(axis=0), train.max(axis=0))
    expected = np.zeros(len(rows))
    for place, one in enumerate(found.histograms):
        bins = len(one.strangeness) - 3
        edges = one.low + one.width * np.arange(bins + 1)
        counts = np.histogram(train[:, place], edges)[0] + 1.0
        density = stats.rv_histogram((counts, edges)).pdf(rows[:, place])
        expected -= np.log(density * one.width * counts.sum() / (len(train) + bins + 3))
    assert Strangeness(found.histograms).of(rows) == pytest.approx(expected, abs=1e-4)


def test_shares_of_levels_and_of_missing_values_are_counted_by_hand() -> None:
    train = np.array([[0.0], [0.0], [1.0], [np.nan]])
    (one,) = fit_detector(
        train, np.zeros((30, 1)), categorical=np.array([True]), flagged_share=0.05
    ).histograms  # fmt: skip
    shares = [1, 3, 2, 1, 2]  # below, level 0, level 1, above, missing, each and one more
    assert one.strangeness == tuple(round(-math.log(share / 9), DECIMALS) for share in shares)
    assert (one.low, one.width) == (-0.5, 1.0)


def test_a_p_value_is_the_share_of_usual_rows_as_strange_and_itself() -> None:
    usual = drawn(99, 5)
    found = fit_detector(drawn(500, 4), usual, categorical=NUMBERS, flagged_share=0.02)
    rows = drawn(50, 6)
    strange, known = Strangeness(found.histograms).of(rows), Strangeness(found.histograms).of(usual)
    assert PValues(found).of(rows).tolist() == [(1 + int((known >= one).sum())) / 100 for one in strange]


def test_of_rows_like_the_calibration_rows_no_more_than_the_stated_share_is_flagged() -> None:
    share, flagged, beyond = 0.05, [], 0
    rng = np.random.default_rng(8)
    for _ in range(200):
        rows = rng.normal(size=(700, 3)) ** 3
        found = fit_detector(rows[:200], rows[200:300], categorical=np.zeros(3, np.bool_), flagged_share=share)
        flagged.append(float((PValues(found).of(rows[300:]) <= share).mean()))
        beyond += flagged[-1] > found.at_most + 3 * math.sqrt(found.at_most / 400)
    middle, error = np.mean(flagged), np.std(flagged) / math.sqrt(len(flagged))
    assert middle <= share + 3 * error
    assert middle > share / 2
    assert beyond <= 6  # 1 % of 200, and luck


def test_at_most_is_the_upper_end_of_what_calibration_rows_of_that_number_can_let_through() -> None:
    for count, share, allowed in ((999, 0.01, 10), (99, 0.07, 7), (199, 0.029, 5)):
        found = fit_detector(drawn(100, 1), drawn(count, 2), categorical=NUMBERS, flagged_share=share)
        assert found.at_most == pytest.approx(float(stats.beta(allowed, count + 1 - allowed).ppf(0.99)), abs=1.1e-6)


def test_too_few_rows_are_said_and_the_fewest_that_suffice_do() -> None:
    train = drawn(50, 1)
    fit_detector(train, drawn(99, 2), categorical=NUMBERS, flagged_share=0.01)
    with pytest.raises(DataInvalid, match=r"flagged_share is 0\.01, with 50 training rows and 98 calibration rows"):
        fit_detector(train, drawn(98, 2), categorical=NUMBERS, flagged_share=0.01)
    with pytest.raises(DataInvalid, match="0 calibration rows"):
        fit_detector(train, drawn(0, 2), categorical=NUMBERS, flagged_share=0.1)
    with pytest.raises(DataInvalid, match="0 training rows"):
        fit_detector(drawn(0, 1), drawn(99, 2), categorical=NUMBERS, flagged_share=0.01)


def test_of_many_calibration_rows_some_are_taken_evenly() -> None:
    found = fit_detector(drawn(100, 1), drawn(12_000, 2), categorical=NUMBERS, flagged_share=0.01)
    assert len(found.usual) == MOST_USUAL


def test_one_wild_value_widens_no_bin_and_stays_strange() -> None:
    train = np.append(drawn(1000, 1)[:, :1], [[1e300]], axis=0)
    found = fit_detector(train, drawn(200, 2)[:, :1], categorical=NUMBERS[:1], flagged_share=0.05)
    assert found.histograms[0].width < 1
    assert (PValues(found).of(np.array([[1e300], [-1e300], [9.0]])) <= 0.05).all()
    assert PValues(found).of(np.array([[0.0]])) > 0.1


EDGES = st.sampled_from([0.0, -0.0, 1.0, 5e-324, 1.7e308, -1.7e308, math.inf, -math.inf, math.nan, 2**53, 1e-300])


@settings(max_examples=40)
@example(np.full((1, 2), -1.7e308), np.zeros((4, 2)))
@example(np.array([[-1.7e308, 0.0], [1.7e308, 1e-300]]), np.array([[1.7e308, 1.0]] * 4))
@given(
    arrays(np.float64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.one_of(EDGES, st.floats(-9, 9))),
    arrays(np.float64, (4, 2), elements=st.one_of(EDGES, st.floats())),
)
def test_whatever_the_numbers_a_detector_is_sound_and_every_row_has_a_p_value(
    train: np.ndarray, rows: np.ndarray
) -> None:
    found = fit_detector(train, np.resize(train, (40, 2)), categorical=NUMBERS, flagged_share=0.05)
    assert found.is_sound
    p_values = PValues(found).of(rows)
    assert ((p_values > 0) & (p_values <= 1)).all()
    assert PValues(found).of(rows[:1])[0] == p_values[0]
