"""Scored rows: outcomes with the scores or decisions given to them, checked once for every statistic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.stats.columns import Flags, Floats, flaw_of_flags, flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.entities import Entities, entities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Scored:
    """Outcomes (True is the positive class) and scores of the same rows; `flaw` says why they can't be used."""

    positive: Flags
    score: Floats
    units: Entities
    flaw: str

    @property
    def n(self) -> int:
        """The number of rows."""
        return self.positive.size

    def of(self, rows: Flags) -> Scored:
        """Return some of the rows."""
        return Scored(self.positive[rows], self.score[rows], self.units.of(rows), self.flaw)

    @property
    def positives(self) -> int:
        """The number of rows of the positive class."""
        return int(self.positive.sum())

    @property
    def one_class(self) -> str:
        """Say that only one class occurs; "" when both do."""
        return "" if 0 < self.positives < self.n else f"all {self.n} outcomes are of one class"


def scored(y_true: ArrayLike, y_score: ArrayLike, entity: ArrayLike | None = None) -> Scored:
    """Check outcomes (0/1) and scores (finite), both of shape (n,); ValueError when shapes differ."""
    outcome, score = numbers(y_true, "y_true"), numbers(y_score, "y_score")
    require_same_length(y_true=outcome, y_score=score)
    units = entities(entity, outcome)
    flaw = flaw_of_flags(y_true=outcome) or flaw_of_numbers(y_score=score) or units.flaw
    return Scored(outcome == 1, score, units, flaw)


def probabilities(y_true: ArrayLike, y_score: ArrayLike, entity: ArrayLike | None = None) -> Scored:
    """Check the same for scores that are probabilities of the positive class, in [0, 1]."""
    rows = scored(y_true, y_score, entity)
    outside = 0 if rows.flaw else int(((rows.score < 0) | (rows.score > 1)).sum())
    if not outside:
        return rows
    flaw = f"{outside} of {rows.n} scores are no probabilities"
    return Scored(rows.positive, rows.score, rows.units, flaw)


@dataclass(frozen=True, slots=True)
class Decided:
    """Outcomes and decisions of the same rows; `flaw` says why they can't be used."""

    positive: Flags
    decision: Flags
    units: Entities
    flaw: str


def decided(y_true: ArrayLike, decisions: ArrayLike, entity: ArrayLike | None = None) -> Decided:
    """Check outcomes and decisions (0/1), both of shape (n,); ValueError when shapes differ."""
    outcome, decision = numbers(y_true, "y_true"), numbers(decisions, "decisions")
    require_same_length(y_true=outcome, decisions=decision)
    units = entities(entity, outcome)
    flaw = flaw_of_flags(y_true=outcome, decisions=decision) or units.flaw
    return Decided(outcome == 1, decision == 1, units, flaw)
