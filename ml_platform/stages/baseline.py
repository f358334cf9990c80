"""Baseline: what the model gains over knowing nothing but the base rate, and over a logistic regression."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.spread import spread
from ml_platform.stats.log_loss import row_log_losses
from ml_platform.stats.logistic_fit import logistic_fit
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.roc_auc_difference import roc_auc_difference

if TYPE_CHECKING:
    from ml_platform.stages.matrix import Matrix
    from ml_platform.stages.scored_part import ScoredPart

Floats = NDArray[np.float64]
LevelValues = Callable[[Floats, Floats], Floats]

MOST_ROWS = 8000
PRIOR_ROWS = 20.0
SMALLEST_PART = 1e-6


def measure_baselines(holdout: ScoredPart, train: Matrix) -> tuple[Measurement, Measurement]:
    """Measure the log loss saved per row against the training rows' base rate, and the AUC beyond a simple model's."""
    return _baseline_gain(holdout, float(train.target.mean())), _simple_model_gain(holdout, train)


def _baseline_gain(holdout: ScoredPart, base_rate: float) -> Measurement:
    positive = holdout.target == 1
    saved = row_log_losses(positive, np.full(positive.size, base_rate)) - row_log_losses(positive, holdout.score)
    found = mean_interval(saved, entity=holdout.entity, metric="baseline_gain", unit="nats")
    return dataclasses.replace(found, facts={**found.facts, "base_rate": base_rate})


def _simple_model_gain(holdout: ScoredPart, train: Matrix) -> Measurement:
    metric = "simple_model_gain"
    simple = simple_scores(train, holdout.matrix)
    if simple is None:
        reason = "the simple model, a logistic regression, has no finite fit on the training rows"
        return Measurement(metric=metric, value=None, n=holdout.score.size, reason=reason)
    found = roc_auc_difference(holdout.target, holdout.score, simple, entity=holdout.entity)
    rows = min(train.target.size, MOST_ROWS)
    facts = {**found.facts, "simple_model": "logistic regression", "train_n": rows}
    return dataclasses.replace(found, metric=metric, facts=facts)


def simple_scores(train: Matrix, rows: Matrix) -> Floats | None:
    """Return the log-odds that a logistic regression on the training rows gives other rows; None without a finite fit.

    Categories stand as the shrunken log-odds of their level, missing numbers as the mean with a flag of their own;
    directions in which the training rows hardly vary are left out. It learns on up to 8,000 rows, spread evenly.
    """
    train = train.rows_of(spread(train.target.size, MOST_ROWS))
    if not 0 < train.target.mean() < 1:
        return None
    design, other = designs(train, rows, _level_log_odds)
    return _fitted(design, train.target == 1, other)


def designs(train: Matrix, rows: Matrix, of_levels: LevelValues) -> tuple[Floats, Floats]:
    """Return the training rows and other rows as a linear model takes them, a column of ones last.

    `of_levels` gives a value to each level of a category, and one more for no level.
    """
    pairs = [_encoded(train, rows, name, of_levels) for name in train.names]
    ours, theirs = (np.column_stack(side) for side in zip(*pairs, strict=True))
    centre, scale = ours.mean(axis=0), ours.std(axis=0)
    scale[scale == 0] = 1.0
    ours, theirs = (ours - centre) / scale, (theirs - centre) / scale
    _, sizes, directions = np.linalg.svd(ours, full_matrices=False)
    kept = (directions / np.maximum(sizes, np.finfo(np.float64).tiny)[:, None])[sizes > SMALLEST_PART * sizes[0]].T
    kept = kept * np.sqrt(len(ours))
    ours, theirs = (np.column_stack([side @ kept, np.ones(len(side))]) for side in (ours, theirs))
    return ours, theirs


def _fitted(design: Floats, positive: NDArray[np.bool_], other: Floats) -> Floats | None:
    """Fit on the design and score the other rows, each coefficient held back by two imagined rows, one per outcome.

    Without them a flag that only positive rows carry would have no finite coefficient. Source: Greenland and Mansournia
    2015, Penalization, bias reduction, and default priors in logistic and related regressions, Stat. Med. 34
    (log-F(2, 2) priors by data augmentation).
    """
    width = design.shape[1]
    imagined = np.repeat(np.eye(width)[:-1], 2, axis=0)
    rows = np.vstack([design, imagined])
    outcomes = np.append(positive, np.arange(len(imagined)) % 2 == 0)
    fit = logistic_fit(rows, outcomes, np.zeros(width), np.zeros(len(rows)))
    return None if fit is None else other @ fit.coefficients


def _encoded(train: Matrix, rows: Matrix, name: str, of_levels: LevelValues) -> tuple[Floats, Floats]:
    seen, new = train.column(name), rows.column(name)
    if name in train.categorical:
        table = of_levels(seen, train.target)
        return table[_places(seen, table.size)][:, None], table[_places(new, table.size)][:, None]
    mean = float(np.nanmean(seen)) if not np.isnan(seen).all() else 0.0
    ours, theirs = (np.column_stack([np.nan_to_num(side, nan=mean), np.isnan(side)]) for side in (seen, new))
    return ours, theirs


def _level_log_odds(codes: Floats, target: Floats) -> Floats:
    """Return the log-odds of each level, shrunken towards all rows' by some rows of prior; the last is for no level."""
    known = ~np.isnan(codes)
    places, rate = codes[known].astype(np.intp), float(target.mean())
    count = np.bincount(places)
    hits = np.bincount(places, weights=target[known])
    shrunken = np.append((hits + PRIOR_ROWS * rate) / (count + PRIOR_ROWS), rate)
    odds: Floats = np.log(shrunken / (1 - shrunken))
    return odds


def _places(codes: Floats, size: int) -> NDArray[np.intp]:
    known = ~np.isnan(codes) & (codes < size - 1)
    return np.where(known, np.nan_to_num(codes), size - 1).astype(np.intp)
