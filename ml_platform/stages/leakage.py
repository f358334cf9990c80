"""Leakage: features that know too much, name a row, or differ between one row and the batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.parity import parity_largest_difference
from ml_platform.stages.pseudonymise import stored_types
from ml_platform.stats.single_feature_auc import single_feature_auc

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.features_module import FeaturesModule
    from ml_platform.stages.matrix import Matrix

AUC_ROWS = 20_000
TWIN_ROWS = 1_000
TWIN_LEAST_ROWS = 50
TWIN_CORRELATION = 0.9999
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
        _named("after_the_fact_features", _after_the_fact(spec, frame[train], learned, lineage), matrix),
        _named("identifier_features", _identifiers(learned), matrix),
        parity_largest_difference(spec, module, state, frame=frame, matrix=matrix),
        *_single_feature_aucs(learned),
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


def _single_feature_aucs(learned: Matrix) -> Iterator[Measurement]:
    """Measure every feature on evenly spaced training rows: a leak shows in some thousands as well as in all."""
    rows = spaced(learned.target.size, AUC_ROWS)
    outcome = learned.target[rows]
    for name in learned.names:
        values = learned.column(name)[rows]
        feature = _codes_as_text(values) if name in learned.categorical else values
        yield single_feature_auc(feature, outcome, subject=name)


def _codes_as_text(codes: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return level codes as text, so that they count as categories; missing is a level of its own, "-1"."""
    return np.where(np.isnan(codes), -1.0, codes).astype(np.int64).astype(np.str_)


def _after_the_fact(
    spec: ModelSpec, frame: pd.DataFrame, learned: Matrix, lineage: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Name the features made from a column known only afterwards, or ranking the rows exactly as one does."""
    after = {name for name, column in spec.contract.items() if column.known == "after"}
    made_from = {name for name, sources in lineage.items() if after & set(sources)}
    rows = spaced(learned.target.size, TWIN_ROWS)
    sample = learned.rows_of(np.isin(np.arange(learned.target.size), rows))
    numeric = [name for name in after if stored_types(spec)[name] != "category"]
    later = [_as_numbers(frame[name])[rows] for name in numeric]
    twins = {name for name in sample.names if any(_same_order(sample.column(name), values) for values in later)}
    return [name for name in learned.names if name in made_from | twins]


def _as_numbers(values: pd.Series) -> NDArray[np.float64]:
    if values.dtype.kind == "M":
        times = values.to_numpy(dtype="datetime64[us]").astype(np.float64)
        return np.where(values.isna().to_numpy(), np.nan, times)
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _same_order(feature: NDArray[np.float64], later: NDArray[np.float64]) -> bool:
    both = np.isfinite(feature) & np.isfinite(later)
    if both.sum() < TWIN_LEAST_ROWS:
        return False
    first, second = _ranks(feature[both]), _ranks(later[both])
    if first.std() == 0 or second.std() == 0:
        return False
    return abs(float(np.corrcoef(first, second)[0, 1])) >= TWIN_CORRELATION


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the average rank of each value (Spearman's rank correlation is Pearson's of these)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    found: NDArray[np.float64] = (last - (count - 1) / 2.0)[place]
    return found


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


def spaced(count: int, wanted: int) -> NDArray[np.intp]:
    """Return at most `wanted` evenly spaced places in `count`, in order."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(np.intp))
