"""Moves: how many decisions a subject could change by what it may change about itself, and how little is enough."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stages.probes.feasible import Feasible, feasible
from ml_platform.stages.probes.greedy_moves import Moved, greedy_moves
from ml_platform.stages.raw_rows import RawRows, read_raw_rows
from ml_platform.stages.spread import spread
from ml_platform.stats.bootstrap import bootstrap
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.share import share

if TYPE_CHECKING:
    from ml_platform.stages.probes.subject import Subject

FLIPS, SMALLEST, LARGEST = "adversarial_flip_share", "smallest_flipping_move", "largest_feasible_move"
ROWS = 300

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]


def measure_moves(subject: Subject) -> Iterator[Measurement]:
    """Measure what declared moves do to decisions, or to predicted numbers, on up to 300 holdout rows.

    Decisions of each kind give as many rows. Raw inputs are moved, so that every feature made of them moves with them;
    where that can't be done each measurement is undefined and says why. Nothing where no column is movable. Sources:
    Kantchelian et al. 2016, ICML (evasion of tree ensembles); Cartella et al. 2021 (feasible moves of tabular data).
    """
    spec, moves = subject.spec, subject.spec.movable
    if not moves:
        return
    try:
        raw = read_raw_rows(
            spec, store=subject.store, features=subject.features, matrix=subject.matrix, holdout=subject.holdout
        )
        raw = _some(raw, _sample(raw))
        columns = feasible(raw, subject.features, moves)
        found = tuple(_of_decisions(raw, columns) if spec.classes else _of_numbers(raw, columns))
    except DataInvalid as error:
        found = tuple(_undefined(subject, str(error)))
    yield from found


@dataclass(frozen=True, slots=True)
class OtherDecision:
    """Away from the decision that a row has: the other one of two classes, or any other of several."""

    raw: RawRows
    own: Places

    def nearness(self, score: Floats, row: Places) -> Floats:
        """Return how far scores are beyond the border of the own decision; below 0 before it."""
        own = self.own[row]
        if score.ndim == 1:
            threshold = self.raw.rows.threshold or 0.0
            return np.where(own == 1, threshold - score, score - threshold)
        places = np.arange(row.size)
        others = score.copy()
        others[places, own] = -np.inf
        beyond: Floats = others.max(axis=1) - score[places, own]
        return beyond

    def reached(self, score: Floats, row: Places) -> Flags:
        """Return which scores are decided otherwise."""
        other: Flags = decisions(self.raw, score) != self.own[row]
        return other


@dataclass(frozen=True, slots=True)
class Away:
    """A prediction as high (`side` 1) or as low (-1) as it can be made; there is nowhere to arrive."""

    side: int

    def nearness(self, score: Floats, row: Places) -> Floats:  # noqa: ARG002  (an aim)
        """Return the predictions, or their negatives."""
        return score * self.side

    def reached(self, score: Floats, row: Places) -> Flags:
        """Return that no prediction is as high or low as can be."""
        return np.zeros(min(row.size, score.size), dtype=np.bool_)


def decisions(raw: RawRows, score: Floats) -> Places:
    """Return the number of the class that is decided for each score, shape (n,)."""
    return (raw.rows.decide(score) if score.ndim == 1 else score.argmax(axis=1)).astype(np.intp)


def _sample(raw: RawRows) -> Flags:
    """Return which rows are moved: as many of each decision, spread evenly; all the same where nothing is decided."""
    if not raw.spec.classes:
        return spread(len(raw.rows.score), ROWS)
    decided = decisions(raw, raw.rows.score)
    kinds = np.unique(decided)
    chosen = np.zeros(decided.size, dtype=np.bool_)
    for kind in kinds:
        places = np.flatnonzero(decided == kind)
        chosen[places[spread(places.size, max(ROWS // kinds.size, 1))]] = True
    return chosen


def _some(raw: RawRows, rows: Flags) -> RawRows:
    inputs = {name: values[rows] for name, values in raw.inputs.items()}
    return dataclasses.replace(raw, rows=raw.rows.rows_of(rows), inputs=inputs)


def _of_decisions(raw: RawRows, columns: tuple[Feasible, ...]) -> Iterator[Measurement]:
    own = decisions(raw, raw.rows.score)
    moved = greedy_moves(raw, columns, OtherDecision(raw, own))
    for code, name in enumerate(raw.spec.classes):
        rows = own == code
        if not rows.any():
            continue
        entity = None if raw.rows.entity is None else raw.rows.entity[rows]
        facts = _facts(moved, rows, columns)
        found = share(moved.reached[rows] * 1.0, entity=entity, metric=FLIPS, subject=f"decided {name}")
        yield dataclasses.replace(found, facts={**found.facts, **facts})
        yield _smallest(moved.length, rows & moved.reached, raw, f"decided {name}")


def _facts(moved: Moved, rows: Flags, columns: tuple[Feasible, ...]) -> dict[str, Fact]:
    flipped = moved.columns[rows & moved.reached]
    return {
        **{f"by_{count}_columns": int((flipped == count).sum()) for count in range(1, int(flipped.max(initial=0)) + 1)},
        "movable_columns": ", ".join(one.name for one in columns),
        "values_scored": moved.tried,
        "values_thinned": any(one.thinned for one in columns),
    }


def _smallest(length: Floats, rows: Flags, raw: RawRows, subject: str) -> Measurement:
    """Return the median length of the moves that flipped a decision; there is none where none was flipped."""
    if not rows.any():
        reason = "no decision was flipped"
        return Measurement(metric=SMALLEST, value=None, n=0, unit="standard deviations", subject=subject, reason=reason)
    entity = None if raw.rows.entity is None else raw.rows.entity[rows]
    found = bootstrap(
        _median, length[rows], seed=raw.spec.learner.seed, entity=entity, metric=SMALLEST, subject=subject
    )
    facts: dict[str, Fact] = {**found.facts, "least": float(length[rows].min()), "most": float(length[rows].max())}
    return dataclasses.replace(found, unit="standard deviations", facts=facts)


def _median(values: Floats) -> float:
    return float(np.median(values))


def _of_numbers(raw: RawRows, columns: tuple[Feasible, ...]) -> Iterator[Measurement]:
    error = float(np.abs(raw.rows.target - raw.rows.score).mean())
    for side, subject in ((1, "upward"), (-1, "downward")):
        moved = greedy_moves(raw, columns, Away(side))
        gain = moved.nearness - side * raw.rows.score
        found = mean_interval(gain, entity=raw.rows.entity, metric=LARGEST, subject=subject)
        facts: dict[str, Fact] = {
            "most": float(gain.max()),
            "over_the_mean_absolute_error": float(gain.mean()) / error if error > 0 else None,
            "movable_columns": ", ".join(one.name for one in columns),
            "values_scored": moved.tried,
            "values_thinned": any(one.thinned for one in columns),
        }
        yield dataclasses.replace(found, facts={**found.facts, **facts})


def _undefined(subject: Subject, reason: str) -> Iterator[Measurement]:
    if not subject.spec.classes:
        yield Measurement(metric=LARGEST, value=None, n=0, reason=reason)
        return
    yield Measurement(metric=FLIPS, value=None, n=0, unit="share", reason=reason)
    yield Measurement(metric=SMALLEST, value=None, n=0, unit="standard deviations", reason=reason)
