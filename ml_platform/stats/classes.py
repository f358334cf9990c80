"""Classes: outcomes of several classes with the decisions or probabilities given to them, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import Codes, Flags, Floats, flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.entities import Entities, entities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Classed:
    """Class numbers that came true and were decided, of the same rows; `flaw` says why they can't be used."""

    true: Codes
    decided: Codes
    units: Entities
    flaw: str

    @property
    def n(self) -> int:
        """The number of rows."""
        return self.true.size

    @property
    def present(self) -> tuple[int, ...]:
        """The classes that occur among outcomes or decisions, in order."""
        return tuple(np.unique(np.concatenate([self.true, self.decided])).tolist())

    @property
    def rarest(self) -> int:
        """The rows of the rarest class among the outcomes."""
        return int(np.unique(self.true, return_counts=True)[1].min())


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Class numbers that came true, and the probability given to each class, shape (n, classes)."""

    true: Codes
    score: Floats
    units: Entities
    flaw: str

    @property
    def n(self) -> int:
        """The number of rows."""
        return self.true.size

    def of(self, code: int) -> Flags:
        """Return the rows in which a class came true."""
        found: Flags = self.true == code
        return found


def classed(y_true: ArrayLike, decisions: ArrayLike, entity: ArrayLike | None = None) -> Classed:
    """Check outcomes and decisions (class numbers from 0), both of shape (n,); ValueError when shapes differ."""
    true, decided = numbers(y_true, "y_true"), numbers(decisions, "decisions")
    require_same_length(y_true=true, decisions=decided)
    units = entities(entity, true)
    flaw = _flaw_of_codes(y_true=true, decisions=decided) or units.flaw
    return Classed(_codes(true, flaw), _codes(decided, flaw), units, flaw)


def class_scores(y_true: ArrayLike, y_score: ArrayLike, entity: ArrayLike | None = None) -> ClassScores:
    """Check outcomes, shape (n,), and probabilities, shape (n, classes); ValueError for other shapes.

    Probabilities are in [0, 1] and add up to 1 within a millionth.
    """
    true, score = numbers(y_true, "y_true"), np.asarray(y_score, dtype=np.float64)
    if score.ndim != 2 or score.shape[0] != true.size or score.shape[1] < 2:
        needed = f"({true.size}, classes) with at least 2 classes is needed; pass one column per class"
        message = f"y_score: has the shape {score.shape}; {needed}"
        raise ValueError(message)
    units = entities(entity, true)
    flaw = _flaw_of_codes(y_true=true) or _flaw_of_scores(true, score) or units.flaw
    return ClassScores(_codes(true, flaw), score, units, flaw)


def _flaw_of_codes(**columns: Floats) -> str:
    flaw = flaw_of_numbers(**columns)
    if flaw:
        return flaw
    for name, values in columns.items():
        bad = int(((values < 0) | (values != np.rint(values))).sum())
        if bad:
            return f"{bad} of {values.size} values of {name} are no class numbers"
    return ""


def _flaw_of_scores(true: Floats, score: Floats) -> str:
    beyond = int((true >= score.shape[1]).sum())
    if beyond:
        return f"{beyond} of {true.size} outcomes are of a class without a probability"
    good = np.isfinite(score).all(axis=1) & (score >= 0).all(axis=1)
    bad = true.size - int((good & (np.abs(score.sum(axis=1) - 1) <= SUM_TOLERANCE)).sum())
    return f"{bad} of {true.size} rows hold no probabilities that add up to 1" if bad else ""


def _codes(values: Floats, flaw: str) -> Codes:
    return np.zeros(values.size, dtype=np.intp) if flaw else values.astype(np.intp)
