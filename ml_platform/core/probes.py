"""Probes: what a full evaluation finds out by training or scoring again and again, as a report draws it."""

from __future__ import annotations

from dataclasses import dataclass

from ml_platform.core.explained import Example

PROBES_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedLoss:
    """The mean loss on the holdout of one training, with its interval; `own` is the model's own seed."""

    own: bool
    loss: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """The mean loss on the holdout, with its interval, after training on so many rows."""

    rows: int
    loss: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """Losses by the number of training rows, fewest first, and the share of the loss another doubling may save."""

    points: tuple[CurvePoint, ...]
    next_doubling_would_save: float | None
    next_low: float | None = None
    next_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencePoint:
    """A feature's value with the mean score of all rows moved there, and where eight in ten rows' scores lie.

    `at` is None for a level, and for a value that may not be shown; `rank` is the share of holdout rows with at most
    this value, `n` how many have it or are nearest to it. The interval is that of the move, whatever a row's level.
    """

    at: float | None
    level: str = ""
    rank: float
    score: float
    low: float | None
    high: float | None
    rows_low: float
    rows_high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """How the score, or the probability of the class `of`, moves with a feature.

    `against` is the share of rows that move against the average, of those that move.
    """

    feature: str
    of: str = ""
    points: tuple[DependencePoint, ...]
    against: float | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What each probe has to show beside its measurements; stored as `probes.json` in the evaluation's artefact."""

    schema_version: int = PROBES_VERSION
    seeds: tuple[SeedLoss, ...] = ()
    learning_curve: LearningCurve | None = None
    dependence: tuple[Dependence, ...] = ()
    examples: tuple[Example, ...] = ()
