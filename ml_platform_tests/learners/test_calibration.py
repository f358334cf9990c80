from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid
from ml_platform.learners.calibration import Calibration, Line, Steps, calibrate, fit_calibration, parse_calibration
from ml_platform.learners.lightgbm_native import fit, predict
from ml_platform.learners.scorer import Scorer
from ml_platform.policy.spec import CalibrationMethod
from ml_platform_tests.learners.made import CLASSES, learner, rows

BOTH = ("negative", "positive")
METHODS: tuple[CalibrationMethod, ...] = ("isotonic", "platt")


def scored(n: int = 300, *, seed: int = 1, digits: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return scores with ties that are too sure of themselves, and outcomes."""
    rng = np.random.default_rng(seed)
    score = np.clip(rng.beta(0.5, 0.5, n).round(digits), 0.001, 0.999)
    return score, (rng.random(n) < 0.25 + 0.5 * score).astype(np.float64)


def several(n: int = 400, *, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.dirichlet([1.0, 1.0, 1.0], n)
    chance = 0.5 * score + 0.5 / 3
    target = (rng.random(n)[:, None] > chance.cumsum(axis=1)).sum(axis=1)
    return score, np.minimum(target, 2).astype(np.float64)


@given(st.integers(20, 400), st.integers(0, 1000), st.sampled_from([1, 2, 6]))
@settings(max_examples=40, deadline=None)
def test_isotonic_is_scikit_learns_but_for_the_bounds(n: int, seed: int, digits: int) -> None:
    score, target = scored(n, seed=seed, digits=digits)
    target[:2] = [0, 1]
    ours = calibrate(fit_calibration("isotonic", score, target, classes=BOTH), np.linspace(0, 1, 200))
    oracle = IsotonicRegression(out_of_bounds="clip").fit(score, target)
    nearest = 1 / (n + 2)
    pooled = oracle.y_thresholds_.clip(nearest, 1 - nearest)
    expected = np.interp(np.linspace(0, 1, 200), oracle.X_thresholds_, pooled)
    assert ours == pytest.approx(expected, abs=1e-9)
    assert (np.diff(ours) >= 0).all()


def test_platt_is_scikit_learns_logistic_regression_on_the_log_odds() -> None:
    score, target = scored()
    odds = np.log(score / (1 - score))[:, None]
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(odds, target)
    found = fit_calibration("platt", score, target, classes=BOTH)
    assert found is not None
    assert (found.platt[0].slope, found.platt[0].intercept) == pytest.approx(
        (oracle.coef_[0, 0], oracle.intercept_[0]), rel=1e-4
    )
    assert calibrate(found, score) == pytest.approx(oracle.predict_proba(odds)[:, 1], rel=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_several_classes_are_calibrated_one_against_the_rest_and_divided_by_their_sum(
    method: CalibrationMethod,
) -> None:
    score, target = several()
    whole = fit_calibration(method, score, target, classes=CLASSES)
    alone = [
        calibrate(fit_calibration(method, score[:, k], (target == k).astype(float), classes=BOTH), score[:, k])
        for k in range(3)
    ]
    expected = np.column_stack(alone)
    assert calibrate(whole, score) == pytest.approx(expected / expected.sum(axis=1, keepdims=True))
    assert calibrate(whole, score).sum(axis=1) == pytest.approx(1)


def test_a_row_that_no_curve_gives_anything_gets_the_same_for_every_class() -> None:
    nothing = Steps(score=(0.0, 1.0), probability=(0.0, 0.0))
    assert calibrate(Calibration(isotonic=(nothing, nothing), rows=9), np.array([[0.4, 0.6]])).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["one", "several"])
def test_a_row_gets_the_same_bits_alone_and_among_others(method: CalibrationMethod, kind: str) -> None:
    score, target = scored(301, digits=9) if kind == "one" else several(301)
    found = fit_calibration(method, score, target, classes=BOTH if kind == "one" else CLASSES)
    together = calibrate(found, score)
    alone = np.concatenate([calibrate(found, score[place : place + 1]) for place in range(len(score))])
    assert together.tobytes() == alone.tobytes() == calibrate(found, np.asfortranarray(score)).tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_what_is_stored_and_read_again_calibrates_to_the_same_bits(method: CalibrationMethod) -> None:
    score, target = scored(digits=9)
    found = fit_calibration(method, score, target, classes=BOTH)
    again = parse_calibration(canonical_json(found).encode(), "here")
    assert again == found
    assert (again.method, again.rows) == (method, 300)
    assert calibrate(again, score).tobytes() == calibrate(found, score).tobytes()


@pytest.mark.parametrize("method", [None, "none"])
def test_without_a_method_scores_stay_as_they_are(method: CalibrationMethod | None) -> None:
    score, target = scored()
    assert fit_calibration(method, score, target, classes=BOTH) is None
    assert calibrate(None, score) is score


def test_no_probability_is_surer_than_the_rows_could_show() -> None:
    score, target = np.linspace(0.01, 0.99, 98), np.repeat([0.0, 1.0], 49)
    found = calibrate(fit_calibration("isotonic", score, target, classes=BOTH), score)
    assert (found.min(), found.max()) == (0.01, 0.99)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", [np.zeros(0), np.zeros(300), np.ones(300)])
def test_calibration_rows_without_both_outcomes_are_refused(method: CalibrationMethod, target: np.ndarray) -> None:
    with pytest.raises(
        DataInvalid, match="calibration rows are of class positive; rows of it and of others are needed"
    ):
        fit_calibration(method, scored()[0][: target.size], target, classes=BOTH)


def test_an_absent_class_is_named() -> None:
    score, target = several()
    with pytest.raises(DataInvalid, match="0 of 400 calibration rows are of class lost"):
        fit_calibration("isotonic", score, np.where(target == 2, 0, target), classes=CLASSES)


def test_a_sigmoid_that_separates_wholly_or_falls_is_refused() -> None:
    score, target = np.linspace(0.01, 0.99, 98), np.repeat([0.0, 1.0], 49)
    with pytest.raises(DataInvalid, match="separate class positive wholly"):
        fit_calibration("platt", score, target, classes=BOTH)
    overlapping = np.where(np.arange(98) % 7 == 0, 1 - target, target)
    with pytest.raises(DataInvalid, match="fall as it gets likelier"):
        fit_calibration("platt", 1 - score, overlapping, classes=BOTH)


@pytest.mark.parametrize("turned", [True, False])
def test_what_learned_nothing_is_calibrated_without_a_refusal_and_never_falls(*, turned: bool) -> None:
    score, target = np.linspace(0.01, 0.99, 98), np.repeat([0.0, 1.0], 49)
    overlapping = np.where(np.arange(98) % 7 == 0, 1 - target, target)

    def made(given: np.ndarray, outcome: np.ndarray) -> np.ndarray:
        return calibrate(fit_calibration("platt", given, outcome, classes=BOTH, refuses=False), given)

    flat, share = np.full(98, 0.3), overlapping.mean()
    if turned:
        assert made(1 - score, overlapping) == pytest.approx(np.full(98, share))
        assert made(1 - score, target) == pytest.approx(np.full(98, 0.5))
        assert made(flat, overlapping) == pytest.approx(np.full(98, share))
    else:
        rising = calibrate(fit_calibration("platt", score, overlapping, classes=BOTH), score)
        assert made(score, overlapping).tobytes() == rising.tobytes()
        assert made(score, target) == pytest.approx(score)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b'{"rows": 5}', b'{"rows": 5, "schema_version": 2, "platt": [{"slope": 1, "intercept": 0}]}',
        b'{"rows": 5, "isotonic": [{"score": [0.1], "probability": []}]}',
        b'{"rows": 5, "isotonic": [{"score": [], "probability": []}]}',
        b'{"rows": 5, "platt": [{"slope": "x", "intercept": 0}]}',
    ],
)  # fmt: skip
def test_a_calibration_that_says_no_curve_is_refused(content: bytes) -> None:
    with pytest.raises(DataInvalid, match=r"here: calibration\.json"):
        parse_calibration(content, "here")


def test_a_scorer_calibrates_what_the_trees_say() -> None:
    text, values = fit(learner(), rows()).text, rows(seed=2).values
    line = Calibration(platt=(Line(slope=1.0, intercept=0.0),), rows=1)
    assert Scorer(text).score(values).tobytes() == predict(text, values).tobytes()
    assert Scorer(text, line).score(values) == pytest.approx(predict(text, values))
