"""Unusual inputs: how often rows that come from another world are noticed, and clean ones are taken for such."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.probes.unusual import ALARMS, learn_unusual
from ml_platform.stages.spread import spread
from ml_platform.stats.share import share

if TYPE_CHECKING:
    from ml_platform.stages.matrix import Matrix
    from ml_platform.stages.probes.subject import Subject
    from ml_platform.stages.probes.unusual import Detector

RATE, ALL, FALSE = "ood_detection_rate", "ood_detected_share", "ood_false_alarm_share"
TRAIN_ROWS, CLEAN_ROWS, ROWS = 15_000, 15_000, 3_000
FEWEST = 200
UNITS = (1.6, 10.0)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def measure_unusual_inputs(subject: Subject) -> Iterator[Measurement]:
    """Measure which rows of other worlds, made of up to 3,000 holdout rows, a detector calls unusual.

    It learns from training rows; validation and calibration rows set its line. Rows that a world leaves as they are
    aren't asked about.
    """
    train, holdout = subject.matrix.part_of("train"), subject.holdout.spread(ROWS).matrix
    clean = subject.matrix.rows_of((subject.matrix.part == "validation") | (subject.matrix.part == "calibration"))
    if clean.target.size < FEWEST:
        yield from _undefined(f"{clean.target.size} rows for validation and calibration; {FEWEST} set the line")
        return
    detector = learn_unusual(_some(train, TRAIN_ROWS), _some(clean, CLEAN_ROWS))
    rng = np.random.default_rng(subject.spec.learner.seed)
    alarms = share(detector.unusual(holdout.values) * 1.0, entity=holdout.entity, metric=FALSE)
    yield dataclasses.replace(alarms, facts={**alarms.facts, "expected": ALARMS})
    yield from _worlds(holdout, detector, rng)


def _some(matrix: Matrix, most: int) -> Matrix:
    return matrix.rows_of(spread(matrix.target.size, most))


def _worlds(holdout: Matrix, detector: Detector, rng: np.random.Generator) -> Iterator[Measurement]:
    """Yield the share of rows noticed in each world and in all; one row's fate in several worlds is one fate."""
    units = np.arange(holdout.target.size) if holdout.entity is None else holdout.entity
    noticed, asked = [], []
    for name, values in other_worlds(holdout, rng):
        other = ~_same(values, holdout.values).all(axis=1)
        if not other.any():
            continue
        hits = detector.unusual(values[other]) * 1.0
        noticed.append(hits)
        asked.append(units[other])
        found = share(hits, entity=None if holdout.entity is None else units[other], metric=RATE, subject=name)
        yield dataclasses.replace(found, facts={**found.facts, "rows_left_out": int((~other).sum())})
    if not noticed:
        yield Measurement(metric=ALL, value=None, n=0, unit="share", reason="no world changes any row")
        return
    total = share(np.concatenate(noticed), entity=np.concatenate(asked), metric=ALL)
    yield dataclasses.replace(total, facts={**total.facts, "worlds": len(noticed)})


def other_worlds(rows: Matrix, rng: np.random.Generator) -> Iterator[tuple[str, Floats]]:
    """Yield worlds in which something is wrong with every row: its name and the rows' features there."""
    every = np.arange(rows.target.size)
    level = np.array([name in rows.categorical for name in rows.names])
    numbers, levels = np.flatnonzero(~level), np.flatnonzero(level)
    if numbers.size > 1:
        first = rng.integers(0, numbers.size, every.size)
        second = (first + rng.integers(1, numbers.size, every.size)) % numbers.size
        values = rows.values.copy()
        values[every, numbers[first]] = rows.values[every, numbers[second]]
        values[every, numbers[second]] = rows.values[every, numbers[first]]
        yield "two numbers swapped", values
    for factor in UNITS if numbers.size else ():
        values = rows.values.copy()
        values[every, numbers[rng.integers(0, numbers.size, every.size)]] *= factor
        yield f"a number {factor:g} times as large", values
    yield "each value from another row", np.column_stack([rng.permutation(column) for column in rows.values.T])
    yield "nothing known", np.full_like(rows.values, np.nan)
    if levels.size:
        values = rows.values.copy()
        values[every, levels[rng.integers(0, levels.size, every.size)]] = np.nan
        yield "a level never seen", values


def _same(one: Floats, other: Floats) -> Flags:
    same: Flags = (one == other) | (np.isnan(one) & np.isnan(other))
    return same


def _undefined(reason: str) -> Iterator[Measurement]:
    for metric in (FALSE, RATE, ALL):
        yield Measurement(metric=metric, value=None, n=0, unit="share", reason=reason)
