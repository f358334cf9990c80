"""After the fact: features made from columns known only afterwards, or that say the same as one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.pseudonymise import stored_types
from ml_platform.stages.spread import spread
from ml_platform.stats.rank_dependence import rank_dependence

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix

Floats = NDArray[np.float64]

METRIC = "after_the_fact_dependence"
TWIN_ROWS = 1_000
DEPENDENCE_ROWS = 2_000
LEAST_ROWS = 50
TWIN_CORRELATION = 0.9999


def after_the_fact(
    spec: ModelSpec, frame: pd.DataFrame, learned: Matrix, lineage: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Name the features made from a column known only afterwards, or ranking the rows exactly as one does."""
    after = {name for name, column in spec.contract.items() if column.known == "after"}
    made_from = {name for name, sources in lineage.items() if after & set(sources)}
    rows = spread(learned.target.size, TWIN_ROWS)
    sample = learned.rows_of(rows)
    types = stored_types(spec)
    later = [_as_numbers(frame[name])[rows] for name in after if types[name] != "category"]
    twins = {name for name in sample.names if any(_same_order(sample.column(name), values) for values in later)}
    return [name for name in learned.names if name in made_from | twins]


def measure_after_the_fact(spec: ModelSpec, frame: pd.DataFrame, learned: Matrix) -> Iterator[Measurement]:
    """Measure for each feature how far it is a function of one column known only afterwards; the nearest counts.

    Of categories both directions count: a carrier follows from the aircraft and tells nothing of it. A feature is 0
    where no such column says anything, or where it varies in too few rows for a claim.
    """
    rows = spread(learned.target.size, DEPENDENCE_ROWS)
    sample = learned.rows_of(rows)
    later = {name: _as_numbers(frame[name])[rows] for name in _later_columns(spec)}
    for name in sample.names:
        values = sample.column(name)
        found = [(_dependence(spec, other, column, values), other) for other, column in later.items()]
        most, nearest = max(found, default=(0.0, "nothing"))
        facts = {"column": nearest if most else "nothing"}
        yield Measurement(metric=METRIC, value=most, n=values.size, subject=name, facts=facts)


def _later_columns(spec: ModelSpec) -> list[str]:
    return [name for name, column in spec.contract.items() if column.known == "after" and name != spec.target]


def _dependence(spec: ModelSpec, name: str, later: Floats, feature: Floats) -> float:
    both = np.isfinite(later) & np.isfinite(feature)
    first, second = later[both], feature[both]
    if min(_varying(first), _varying(second)) < LEAST_ROWS:
        return 0.0
    found = rank_dependence(first, second).value or 0.0
    if stored_types(spec)[name] == "category":
        found = min(found, rank_dependence(second, first).value or 0.0)
    return max(found, 0.0)


def _varying(values: Floats) -> int:
    """Count the rows without the most frequent value."""
    counts = np.unique(values, return_counts=True)[1]
    return int(values.size - counts.max()) if values.size else 0


def _as_numbers(values: pd.Series) -> Floats:
    if values.dtype.kind == "M":
        times = values.to_numpy(dtype="datetime64[us]").astype(np.float64)
        return np.where(values.isna().to_numpy(), np.nan, times)
    if not _is_number(values):
        codes, _ = values.factorize()
        return np.where(codes < 0, np.nan, codes.astype(np.float64))
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _is_number(values: pd.Series) -> bool:
    return values.dtype.kind in "biuf"


def _same_order(feature: Floats, later: Floats) -> bool:
    both = np.isfinite(feature) & np.isfinite(later)
    if both.sum() < LEAST_ROWS:
        return False
    first, second = ranks(feature[both]), ranks(later[both])
    if first.std() == 0 or second.std() == 0:
        return False
    return abs(float(np.corrcoef(first, second)[0, 1])) >= TWIN_CORRELATION


def ranks(values: Floats) -> Floats:
    """Return the average rank of each value (Spearman's rank correlation is Pearson's of these)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    found: Floats = (last - (count - 1) / 2.0)[place]
    return found
