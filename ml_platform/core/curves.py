"""Curves: what a report draws of an evaluation, small enough to read at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Rows with similar scores: their mean score, and their rate of true outcomes with its interval."""

    predicted: float
    observed: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """The curves of one model on the holdout; stored as `curves.json` in the evaluation's artefact.

    `roc` holds points (false-positive rate, true-positive rate) from (0, 0) to (1, 1), `negatives` and `positives` the
    rows of each class per score bin between `edges` (one more than bins), `importance` each feature's part of all
    explanations, largest first.
    """

    schema_version: int = 1
    threshold: float
    roc: tuple[tuple[float, float], ...]
    champion_roc: tuple[tuple[float, float], ...] = ()
    calibration: tuple[CalibrationBin, ...]
    edges: tuple[float, ...]
    negatives: tuple[int, ...]
    positives: tuple[int, ...]
    importance: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBin:
    """Rows with similar predictions: their mean prediction, and where the middle and nine tenths of outcomes lie."""

    predicted: float
    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberCurves:
    """The curves of predicted numbers: outcomes by prediction, and how errors (prediction - outcome) are spread.

    `errors` counts rows per bin between `edges` (one more than bins); the outermost hundredth of errors on each side
    is counted in the first and the last.
    """

    schema_version: int = 1
    predicted: tuple[NumberBin, ...]
    edges: tuple[float, ...]
    errors: tuple[int, ...]
    importance: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCurves:
    """The curves of several classes: rows by outcome (down) and decision (across), and how decisions are calibrated."""

    schema_version: int = 1
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: tuple[CalibrationBin, ...]
    importance: Mapping[str, float]


AnyCurves = Curves | NumberCurves | ClassCurves
