"""Expected outcomes: what scores say of outcomes that aren't known yet, as calibrated as known ones show them to be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Floats, flaw_of_numbers, numbers
from ml_platform.stats.confidence import z_value
from ml_platform.stats.logistic_fit import logistic_fit
from ml_platform.stats.recalibration import logits
from ml_platform.stats.scored import probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedOutcomes:
    """The chance of each outcome, shape (n,), and how it moves with the calibration's intercept and slope, (n, 2).

    `covariance` says how well these two are known, shape (2, 2). With a `flaw` nothing is known.
    """

    score: Floats
    chance: Floats
    moves: Floats
    covariance: Floats
    flaw: str = ""


def expected_outcomes(score: ArrayLike, *, known_outcome: ArrayLike, known_score: ArrayLike) -> ExpectedOutcomes:
    """Return what is to be expected of outcomes of `score`, probabilities, shape (n,), if calibration is as it was.

    `known_outcome` (0/1) and `known_score` have the shape (m,): by them the scores are calibrated again, logistically,
    and how uncertain that is is kept. Sources: Cox 1958, Biometrika 45 (recalibration); Guillory et al. 2021, ICCV
    (confidence-based estimates).

    >>> rows = np.random.default_rng(1).uniform(0, 1, 5000)
    >>> came = np.random.default_rng(2).random(5000) < rows
    >>> found = expected_outcomes([0.2, 0.8], known_outcome=came, known_score=rows)
    >>> found.chance.round(1).tolist()
    [0.2, 0.8]
    """
    column = numbers(score, "score")
    known = probabilities(known_outcome, known_score, None)
    flaw = flaw_of_numbers(score=column) or known.flaw or known.one_class
    flaw = flaw or ("" if bool(((column >= 0) & (column <= 1)).all()) else "scores outside of 0 to 1")
    fit = None
    if not flaw:
        design = np.column_stack([np.ones(known.n), logits(known.score)])
        fit = logistic_fit(design, known.positive, np.array([0.0, 1.0]), np.zeros(known.n))
        flaw = "" if fit else "no finite fit: the known score is constant or separates the classes"
    if fit is None:
        empty = np.zeros((0, 2))
        return ExpectedOutcomes(score=column, chance=column[:0], moves=empty, covariance=empty.T @ empty, flaw=flaw)
    odds = np.column_stack([np.ones(column.size), logits(column)])
    chance = 0.5 * (1 + np.tanh(odds @ fit.coefficients / 2))
    moves = odds * (chance * (1 - chance))[:, None]
    return ExpectedOutcomes(score=column, chance=chance, moves=moves, covariance=fit.covariance)


def estimate(
    expected: ExpectedOutcomes, value: float, pull: Floats, *, metric: str, unit: str = "", confidence: float = 0.95
) -> Measurement:
    """Return an estimate with the interval in which the realised value will lie; `pull` is how each outcome moves it.

    Both doubts are in the interval: which outcomes come true, and how well the calibration is known.

    >>> rows = np.full(400, 0.5)
    >>> known = ExpectedOutcomes(score=rows, chance=rows, moves=np.zeros((400, 2)), covariance=np.eye(2))
    >>> estimate(known, 0.5, np.full(400, 1 / 400), metric="share").text()
    'share = 0.5 [0.451, 0.549] (n = 400)'
    """
    luck = float((np.square(pull) * expected.chance * (1 - expected.chance)).sum())
    direction = pull @ expected.moves
    error = math.sqrt(luck + float(direction @ expected.covariance @ direction))
    half = z_value(confidence) * error
    return Measurement(
        metric=metric,
        value=value,
        n=expected.score.size,
        low=value - half,
        high=value + half,
        confidence=confidence,
        unit=unit,
        facts={"standard_error": error, "mean_chance": float(expected.chance.mean())},
    )
