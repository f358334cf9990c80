"""Calibration: what turns a model's scores into probabilities that come true, learned on the calibration rows.

A row gets the same bits alone and among others, so that the service answers what was evaluated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.scoring import CALIBRATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_platform.policy.spec import CalibrationMethod

Floats = NDArray[np.float64]

# Log-odds of 0 and 1 aren't finite; no tree is that sure.
NEAREST = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """An isotonic curve: straight between its points, level beyond them; `score` rises, `probability` never falls."""

    score: tuple[float, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Platt's sigmoid: the probability's log-odds are `slope` times the score's, plus `intercept`."""

    slope: float
    intercept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One curve per class (one for binary), all of one kind; stored as `calibration.json` beside the trees.

    `rows` says how many calibration rows it was learned on. With several classes each class's probability is
    calibrated against all others, then a row's probabilities are divided by their sum.
    """

    schema_version: int = 1
    isotonic: tuple[Steps, ...] = ()
    platt: tuple[Line, ...] = ()
    rows: int

    @property
    def method(self) -> str:
        """Return the method's name."""
        return "isotonic" if self.isotonic else "platt"

    @property
    def is_sound(self) -> bool:
        """Whether it has curves of one kind, each with as many probabilities as scores."""
        return bool(self.isotonic) != bool(self.platt) and all(
            len(each.score) == len(each.probability) > 0 for each in self.isotonic
        )


def fit_calibration(
    method: CalibrationMethod | None, score: Floats, target: Floats, *, classes: Sequence[str], refuses: bool = True
) -> Calibration | None:
    """Learn a calibration from the scores of rows that the model wasn't trained on; None for no method.

    `score` has the shape (n,), or (n, K) for K > 2 classes or for multiclass; `target` (n,) holds codes of `classes`.
    Raises DataInvalid without rows, when a class is absent, and when the scores of a class fall as it gets likelier or
    separate it wholly (Platt). Without `refuses`, for models that may have learned nothing, a sigmoid that would fall
    is level at the class's share, as an isotonic curve is, and scores that separate a class stay as they are.
    Sources: Zadrozny and Elkan 2002, Transforming classifier scores into accurate multiclass probability estimates,
    KDD; Platt 1999, Probabilistic outputs for support vector machines.
    """
    if method is None or method == "none":
        return None
    columns = _columns(score, classes)
    for name, _, outcome in _each(columns, target):
        if not 0 < outcome.sum() < outcome.size:
            seen = f"{int(outcome.sum()):,} of {outcome.size:,} calibration rows are of class {name}"
            raise DataInvalid(f"calibration: {seen}; rows of it and of others are needed; {_NEXT_STEP}")
    if method == "isotonic":
        steps = tuple(_isotonic(given, outcome) for _, given, outcome in _each(columns, target))
        return Calibration(isotonic=steps, rows=target.size)
    lines = tuple(
        _platt(name, given, outcome) if refuses else _rising_platt(given, outcome)
        for name, given, outcome in _each(columns, target)
    )
    return Calibration(platt=lines, rows=target.size)


def calibrate(calibration: Calibration | None, score: Floats) -> Floats:
    """Return calibrated scores of the same shape, (n,) or (n, K); the scores themselves without a calibration.

    A row whose calibrated probabilities are all 0 gets the same for every class.
    """
    if calibration is None:
        return score
    curves: tuple[Steps | Line, ...] = calibration.isotonic or calibration.platt
    if score.ndim == 1:
        return _curve(curves[0], score)
    found = np.column_stack([_curve(curve, score[:, place]) for place, curve in enumerate(curves)])
    total = found[:, 0].copy()
    for place in range(1, found.shape[1]):  # numpy's own sum adds in an order that depends on the memory's layout
        total += found[:, place]
    nothing = total == 0
    found[nothing], total[nothing] = 1.0, float(found.shape[1])
    return found / total[:, None]


def parse_calibration(content: bytes, where: str) -> Calibration:
    """Return the calibration that `calibration.json` holds; raises DataInvalid when it is none that is known."""
    import msgspec

    try:
        found = msgspec.json.decode(content, type=Calibration)
    except msgspec.MsgspecError as error:
        raise DataInvalid(f"{where}: {CALIBRATION}: {error}; train the model again with this platform") from error
    if found.schema_version != 1 or not found.is_sound:
        seen = f"schema version {found.schema_version}" if found.schema_version != 1 else "no curve that can be read"
        raise DataInvalid(f"{where}: {CALIBRATION}: {seen}; version 1 with curves is known; update, or train again")
    return found


_NEXT_STEP = "give the split a larger calibration part, or say calibration: none"


def _columns(score: Floats, classes: Sequence[str]) -> list[tuple[str, int, Floats]]:
    """Return name, code and scores of each class that gets a curve."""
    if score.ndim == 1:
        return [(classes[1], 1, score)]
    return [(name, code, score[:, code]) for code, name in enumerate(classes)]


def _each(columns: list[tuple[str, int, Floats]], target: Floats) -> list[tuple[str, Floats, Floats]]:
    return [(name, given, (target == code).astype(np.float64)) for name, code, given in columns]


def _curve(curve: Steps | Line, score: Floats) -> Floats:
    if isinstance(curve, Steps):
        return np.interp(score, curve.score, curve.probability)
    return 1 / (1 + np.exp(-(curve.slope * _log_odds(score) + curve.intercept)))


def _log_odds(score: Floats) -> Floats:
    inside = np.ascontiguousarray(np.clip(score, NEAREST, 1 - NEAREST))
    return np.log(inside / (1 - inside))


def _isotonic(score: Floats, outcome: Floats) -> Steps:
    """Pool adjacent violators; no probability is nearer to 0 or 1 than 1 / (n + 2), which n rows couldn't show."""
    from scipy.optimize import isotonic_regression

    at, place, count = np.unique(score, return_inverse=True, return_counts=True)
    mean = np.bincount(place, weights=outcome) / count
    fitted = isotonic_regression(mean, weights=count.astype(np.float64)).x
    nearest = 1 / (score.size + 2)
    probability = np.clip(fitted, nearest, 1 - nearest)
    corner = np.ones(at.size, dtype=np.bool_)
    corner[1:-1] = (probability[1:-1] != probability[:-2]) | (probability[1:-1] != probability[2:])
    return Steps(score=tuple(at[corner].tolist()), probability=tuple(probability[corner].tolist()))


def _sigmoid(score: Floats, outcome: Floats) -> Line | None:
    """Return the likeliest sigmoid; None where none is."""
    from ml_platform.stats.logistic_fit import logistic_fit

    odds = _log_odds(score)
    design = np.column_stack([odds, np.ones_like(odds)])
    found = logistic_fit(design, outcome == 1, np.array([1.0, 0.0]), np.zeros_like(odds))
    return None if found is None else Line(slope=float(found.coefficients[0]), intercept=float(found.coefficients[1]))


def _platt(name: str, score: Floats, outcome: Floats) -> Line:
    line = _sigmoid(score, outcome)
    if line is None:
        seen = f"the scores separate class {name} wholly, or are all equal"
        raise DataInvalid(f"calibration: {seen}; no sigmoid fits; say calibration: isotonic, or {_NEXT_STEP}")
    if line.slope <= 0:
        seen = f"the scores of class {name} fall as it gets likelier (slope {line.slope:.3g})"
        raise DataInvalid(
            f"calibration: {seen}; a model that ranks the calibration rows is needed; look at its features"
        )
    return line


def _rising_platt(score: Floats, outcome: Floats) -> Line:
    """Return the likeliest sigmoid that doesn't fall; where none is likeliest, the scores themselves if they rise."""
    line = _sigmoid(score, outcome)
    if line is not None and line.slope > 0:
        return line
    share = float(outcome.mean())
    if line is None and float(score[outcome == 1].mean()) > float(score[outcome == 0].mean()):
        return Line(slope=1.0, intercept=0.0)
    return Line(slope=0.0, intercept=math.log(share / (1 - share)))
