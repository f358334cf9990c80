"""Explained: one row's score taken apart into what each feature did to it."""

from __future__ import annotations

from dataclasses import dataclass

from ml_platform.core.scoring import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What one feature did to a raw score; `value` is empty where it may not be shown, `known` False where missing."""

    feature: str
    value: str
    contribution: float
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A row's score with the features that moved it most towards its decision, the strongest first.

    `average + sum of reasons + others = raw`, in `unit`. `decision` is positive or negative, the likeliest class, or
    empty for a number, whose reasons move it either way; `threshold` is that of two classes. `others` adds up the
    `features_left` features that aren't listed. With a `calibration` the score is what it makes of `uncalibrated`,
    the score that follows from `raw`.
    """

    row: int
    score: Score
    decision: str
    average: float
    raw: float
    unit: str
    reasons: tuple[Reason, ...]
    others: float
    features_left: int
    uncalibrated: float
    calibration: str = ""
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A holdout row that shows how the model decides: `kind` says of what it is an example."""

    kind: str
    told: Explained
