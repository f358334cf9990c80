"""Profile: what each column of a snapshot looks like, in counts that a later snapshot can be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.learners.workers import HERE, Workers
from ml_platform.policy.spec import PersonalData, Role
from ml_platform.stages.column_parts import by_column
from ml_platform.stats.histogram_edges import histogram_counts, histogram_edges

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import Column, ModelSpec

SCHEMA_VERSION = 1
MOST_LEVELS = 1000
OTHER = "(other)"
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def profile(spec: ModelSpec, frame: pd.DataFrame, *, workers: Workers = HERE) -> dict[str, Any]:
    """Describe every column of a contract-checked frame, as plain JSON values.

    Every column has `type`, `n` and `missing`; numbers have least, greatest, mean, quantiles, `edges` and `counts` (of
    `histogram_counts`); categories and booleans have `levels` with their counts, the rarest under "(other)". Of
    entities and direct personal data only how many values differ is told; other personal data have no extremes.
    """
    columns = by_column(describe, spec.contract, frame, workers=workers)
    return {"schema_version": SCHEMA_VERSION, "rows": len(frame), "columns": columns}


def describe(column: Column, values: pd.Series) -> dict[str, Any]:
    """Describe one column."""
    found: dict[str, Any] = {"type": column.type, "n": len(values), "missing": int(values.isna().sum())}
    if Role.ENTITY in column.roles or column.personal_data is PersonalData.DIRECT:
        return {**found, "distinct": int(values.nunique())}
    match column.type:
        case "category" | "boolean":
            return {**found, **_levels(values)}
        case "datetime":
            present = values.dropna()
            bounds = {"least": present.min().isoformat(), "greatest": present.max().isoformat()} if len(present) else {}
            return {**found, **bounds, "distinct": int(values.nunique())}
        case _:
            told = _numbers(values.to_numpy(dtype=np.float64, na_value=np.nan))
            extremes = set() if column.personal_data is PersonalData.NONE else {"least", "greatest"}
            return {**found, **{key: value for key, value in told.items() if key not in extremes}}


def counts_against(reference: Mapping[str, Any], values: pd.Series) -> tuple[list[int], list[int]] | None:
    """Return a profiled column's counts and those of new values in the same cells; None when there are no cells."""
    if "edges" in reference:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return reference["counts"], histogram_counts(numbers, reference["edges"]).tolist()
    if "levels" not in reference:
        return None
    now = _level_counts(values)
    known = {level: count for level, count in reference["levels"].items() if level != OTHER}
    other = sum(count for level, count in now.items() if level not in known)
    current = [*(now.get(level, 0) for level in known), other, int(values.isna().sum())]
    return [*known.values(), reference["levels"].get(OTHER, 0), reference["missing"]], current


def _levels(values: pd.Series) -> dict[str, Any]:
    counts = sorted(_level_counts(values).items(), key=lambda item: (-item[1], item[0]))
    levels = dict(counts[:MOST_LEVELS])
    rest = sum(count for _, count in counts[MOST_LEVELS:])
    return {"distinct": len(counts), "levels": {**levels, OTHER: rest} if rest else levels}


def _level_counts(values: pd.Series) -> dict[str, int]:
    counts = values.value_counts(dropna=True, sort=False)
    return {str(level): int(count) for level, count in counts.items() if count}


def _numbers(values: NDArray[np.float64]) -> dict[str, Any]:
    present = np.sort(values[~np.isnan(values)])
    if present.size == 0:
        return {"distinct": 0}
    edges = histogram_edges(present)
    steps = int((present[1:] != present[:-1]).sum())
    places = [round(share * (present.size - 1)) for share in QUANTILES]
    return {
        "distinct": steps + 1,
        "least": float(present[0]),
        "greatest": float(present[-1]),
        "mean": float(present.mean()),
        "quantiles": {str(share): float(present[place]) for share, place in zip(QUANTILES, places, strict=True)},
        "edges": edges.tolist(),
        "counts": histogram_counts(values, edges).tolist(),
    }
