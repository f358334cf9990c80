"""Probes: what a full evaluation finds out by training or scoring again and again, as a report draws it."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What each probe has to show beside its measurements; stored as `probes.json` in the evaluation's artefact."""

    schema_version: int = PROBES_VERSION
    seeds: tuple[SeedLoss, ...] = ()
    learning_curve: LearningCurve | None = None
