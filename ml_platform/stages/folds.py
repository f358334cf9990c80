"""Folds: which training rows a trial learns from and which it is measured on, in time's order or by entity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix

Mask = NDArray[np.bool_]
Hashes = NDArray[np.uint64]
Times = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Which of the training rows are learned from, and which are held to measure on; masks of shape (n,)."""

    train: Mask
    held: Mask


def make_folds(spec: ModelSpec, train: Matrix) -> tuple[Fold, ...]:
    """Return as many folds of the training rows as `tuning.folds` says.

    Of a split by time each fold learns from an expanding window and is held the block after it; rows whose outcome
    came after the window's end, and rows of entities in the block, are left out of the window (Bergmeir and Benítez
    2012, On the use of cross-validation for time series predictor evaluation). Of a split by entity all rows of an
    entity are in one fold, by its hash. Raises DataInvalid when the rows are too few for the folds.
    """
    count = spec.tuning.folds if spec.tuning else 0
    if not train.target.size:
        folds: tuple[Fold, ...] = ()
    elif spec.split.kind == "time" and train.time is not None:
        gap = dt.timedelta(days=spec.contract[spec.target].available_after_days)
        folds = tuple(_windows(train.time, train.entity, count, gap=gap))
    elif train.entity is not None:
        folds = tuple(_hashed(train.entity, count, seed=spec.tuning.seed if spec.tuning else 0))
    else:
        folds = ()
    if len(folds) < count or not all(fold.train.any() and fold.held.any() for fold in folds):
        message = (
            f"{spec.model}: tuning.folds is {count}, but the {train.target.size:,} training rows can't fill as many; "
            "each needs rows to learn from and rows to measure on; lower tuning.folds or lengthen the training part"
        )
        raise DataInvalid(message)
    return folds


def _windows(time: Times, entity: Hashes | None, count: int, *, gap: dt.timedelta) -> Iterator[Fold]:
    ordered = np.sort(time)
    edges = [ordered[min(len(ordered) * place // (count + 1), len(ordered) - 1)] for place in range(1, count + 1)]
    for place, begin in enumerate(edges):
        held = (time >= begin) & (time < edges[place + 1]) if place + 1 < count else time >= begin
        train = (time < begin) & (time + np.timedelta64(gap) <= begin)
        yield Fold(train=train if entity is None else train & ~np.isin(entity, entity[held]), held=held)


def _hashed(entity: Hashes, count: int, *, seed: int) -> Iterator[Fold]:
    place = mixed(entity, seed) % np.uint64(count)
    for number in range(count):
        held = place == number
        yield Fold(train=~held, held=held)


def mixed(values: Hashes, seed: int) -> Hashes:
    """Return 64-bit hashes with a seed mixed in (the finalizer of SplitMix64: Steele, Lea and Flood 2014)."""
    mixed = values ^ np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    found: Hashes = mixed ^ (mixed >> np.uint64(31))
    return found
