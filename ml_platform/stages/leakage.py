"""Leakage: features that know too much, name a row, or differ between one row and the batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.after_the_fact import after_the_fact, measure_after_the_fact
from ml_platform.stages.contrasts import asked_of, contrasts
from ml_platform.stages.dominance import measure_dominance
from ml_platform.stages.feature_pairs import measure_pairs
from ml_platform.stages.parity import parity_largest_difference
from ml_platform.stages.spread import spread
from ml_platform.stats.outcome_told_by_missing import outcome_told_by_missing
from ml_platform.stats.single_feature_auc import single_feature_auc

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.features_module import FeaturesModule
    from ml_platform.stages.matrix import Matrix

AUC_ROWS = 20_000
IDENTIFIER_LEAST_DISTINCT_SHARE = 0.9


def measure_features(
    spec: ModelSpec,
    module: FeaturesModule,
    state: Mapping[str, Any],
    *,
    frame: pd.DataFrame,
    matrix: Matrix,
    lineage: Mapping[str, tuple[str, ...]],
) -> tuple[Measurement, ...]:
    """Return every measurement of the features stage."""
    cells = matrix.values.size
    train = matrix.part == "train"
    learned = matrix.rows_of(train)
    return (
        Measurement(metric="feature_count", value=len(matrix.names), n=len(matrix.names), unit="features"),
        Measurement(
            metric="non_finite_share", value=float(np.isinf(matrix.values).sum() / cells), n=cells, unit="share"
        ),
        _named("constant_features", _constant(learned), matrix),
        _named("after_the_fact_features", after_the_fact(spec, frame[train], learned, lineage), matrix),
        _named("identifier_features", _identifiers(learned), matrix),
        parity_largest_difference(spec, module, state, frame=frame, matrix=matrix),
        *measure_after_the_fact(spec, frame[train], learned),
        *(found for question, asked in contrasts(spec, learned) for found in _alone(asked, question)),
        *(_asked(measure_pairs(asked), question) for question, asked in contrasts(spec, learned)),
        *measure_dominance(spec, learned),
    )


def _named(metric: str, names: list[str], matrix: Matrix) -> Measurement:
    return Measurement(
        metric=metric,
        value=len(names),
        n=len(matrix.names),
        unit="features",
        facts={"features": ", ".join(names) or "none"},
    )


def _constant(learned: Matrix) -> list[str]:
    return [name for name in learned.names if _distinct(learned.column(name)) <= 1]


def _distinct(values: NDArray[np.float64]) -> int:
    return int(np.unique(values[~np.isnan(values)]).size)


def _asked(found: Measurement, question: str) -> Measurement:
    return dataclasses.replace(found, subject=asked_of(found.subject, question))


def _alone(learned: Matrix, question: str) -> Iterator[Measurement]:
    """Measure every feature on evenly spaced training rows: a leak shows in some thousands as well as in all."""
    rows = spread(learned.target.size, AUC_ROWS)
    outcome = learned.target[rows]
    for name in learned.names:
        values = learned.column(name)[rows]
        feature = _codes_as_text(values) if name in learned.categorical else values
        subject = asked_of(name, question)
        yield single_feature_auc(feature, outcome, subject=subject)
        yield outcome_told_by_missing(values, outcome, subject=subject)


def _codes_as_text(codes: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return level codes as text, so that they count as categories; missing is a level of its own, "-1"."""
    return np.where(np.isnan(codes), -1.0, codes).astype(np.int64).astype(np.str_)


def _identifiers(learned: Matrix) -> list[str]:
    """Name the features of whole numbers with a value of its own for nearly each row, or for each entity exactly."""
    return [name for name in learned.names if _identifies(learned.column(name), learned.entity)]


def _identifies(values: NDArray[np.float64], entity: NDArray[np.uint64] | None) -> bool:
    present = np.isfinite(values)
    if not present.any() or (values[present] != np.rint(values[present])).any():
        return False
    distinct = _distinct(values)
    if distinct >= IDENTIFIER_LEAST_DISTINCT_SHARE * values.size:
        return True
    if entity is None:
        return False
    entities = np.unique(entity[present]).size
    pairs = np.unique(np.column_stack([entity[present].view(np.int64), values[present].astype(np.int64)]), axis=0)
    return distinct == entities == len(pairs)
