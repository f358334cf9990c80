"""Sketches: what a table's columns look like, in a size that doesn't grow with the rows, and mergeable over its parts.

Per column: rows, missing ones, moments, a quantile sketch (KLL) of numbers and times, the most frequent levels of
categories and booleans, an estimate of how many values differ (HyperLogLog); per table a sample of row hashes (theta),
from which the overlap of two tables is estimated. The sketches are Apache DataSketches' own bytes, base64 in JSON.
Sources: Karnin et al. 2016, FOCS (KLL); Flajolet et al. 2007, AofA (HyperLogLog); Agarwal et al. 2012, PODS (merging
frequent items); Dasgupta et al. 2016, ICDT (theta); Chan et al. 1983, Am. Stat. 37 (merging moments).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.workers import HERE, Workers
from ml_platform.policy.spec import PersonalData, Role
from ml_platform.stages.column_parts import by_column
from ml_platform.stages.sketch_bytes import (
    distinct_of,
    joined_distinct,
    joined_quantiles,
    joined_rows,
    quantiles_of,
    rows_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import Column, ModelSpec

Floats = NDArray[np.float64]
Sketched = Mapping[str, Any]

SCHEMA_VERSION = 1
MOST_LEVELS = 1000
SECONDS = 1e6
LEVELLED = frozenset({"category", "boolean"})


def sketch(spec: ModelSpec, frame: pd.DataFrame, *, workers: Workers = HERE) -> dict[str, Any]:
    """Sketch every column of a contract-checked frame, as plain JSON values.

    Of entities and direct personal data only how many values differ is kept; sketches of other columns hold values of
    theirs and belong where the rows may be.
    """
    columns = by_column(_column, spec.contract, frame, workers=workers)
    return {"schema_version": SCHEMA_VERSION, "rows": len(frame), "row_hashes": _row_hashes(frame), "columns": columns}


def merge(first: Sketched, second: Sketched) -> dict[str, Any]:
    """Return the sketch of two tables together; DataInvalid unless both have the same columns, types and version."""
    ours, theirs = ({name: column["type"] for name, column in each["columns"].items()} for each in (first, second))
    if ours != theirs or not first["schema_version"] == second["schema_version"] == SCHEMA_VERSION:
        message = (
            f"sketches: one has schema version {first['schema_version']} and columns {ours}, the other "
            f"{second['schema_version']} and {theirs}; the same are needed; sketch both tables anew under one contract"
        )
        raise DataInvalid(message)
    columns = {name: _merged(column, second["columns"][name]) for name, column in first["columns"].items()}
    return {
        "schema_version": SCHEMA_VERSION,
        "rows": first["rows"] + second["rows"],
        "row_hashes": joined_rows(first["row_hashes"], second["row_hashes"]),
        "columns": columns,
    }


def _column(column: Column, values: pd.Series) -> dict[str, Any]:
    found: dict[str, Any] = {"type": column.type, "n": len(values), "missing": int(values.isna().sum())}
    if Role.ENTITY in column.roles or column.personal_data is PersonalData.DIRECT:
        return {**found, "distinct": distinct_of(map(str, values.dropna().unique()))}
    if column.type in LEVELLED:
        counts = {str(level): int(count) for level, count in values.value_counts(sort=False).items() if count}
        return {**found, "distinct": distinct_of(counts), **_levels(counts, 0)}
    numbers = as_numbers(values)
    present = numbers[~np.isnan(numbers)]
    return {
        **found,
        "distinct": distinct_of(np.unique(present).tolist()),
        "quantiles": quantiles_of(present),
        "moments": _moments(present[np.isfinite(present)]),
    }


def as_numbers(values: pd.Series) -> Floats:
    """Return numbers as they are and times as seconds since 1970, missing ones as NaN."""
    if values.dtype.kind != "M":
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    times = values.to_numpy(dtype="datetime64[us]").astype(np.float64) / SECONDS
    return np.where(values.isna().to_numpy(), np.nan, times)


def _row_hashes(frame: pd.DataFrame) -> str:
    import pandas as pd

    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return rows_of(hashes.view(np.int64).tolist())


def _moments(finite: Floats) -> dict[str, Any]:
    if finite.size == 0:
        return {"n": 0}
    mean = float(finite.mean())
    return {
        "n": int(finite.size),
        "mean": mean,
        "squares": float(((finite - mean) ** 2).sum()),
        "least": float(finite.min()),
        "greatest": float(finite.max()),
    }


def _levels(counts: Mapping[str, int], hidden: int) -> dict[str, Any]:
    """Keep the most frequent levels; `hidden` bounds what any level may lack, or have while it isn't named."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    dropped = ordered[MOST_LEVELS:]
    return {
        "levels": dict(ordered[:MOST_LEVELS]),
        "other": sum(count for _, count in dropped),
        "hidden": hidden + (dropped[0][1] if dropped else 0),
    }


def _merged(first: Sketched, second: Sketched) -> dict[str, Any]:
    both = (first, second)
    found: dict[str, Any] = {
        "type": first["type"],
        **{key: first[key] + second[key] for key in ("n", "missing")},
        "distinct": joined_distinct(first["distinct"], second["distinct"]),
    }
    if "levels" in first:
        names = {**first["levels"], **second["levels"]}
        counts = {name: sum(each["levels"].get(name, 0) for each in both) for name in names}
        levels = _levels(counts, first["hidden"] + second["hidden"])
        found |= {**levels, "other": levels["other"] + first["other"] + second["other"]}
    if "quantiles" in first:
        found["quantiles"] = joined_quantiles(first["quantiles"], second["quantiles"])
        found["moments"] = _both_moments([each["moments"] for each in both if each["moments"]["n"]])
    return found


def _both_moments(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    n = sum(part["n"] for part in parts)
    if not n:
        return {"n": 0}
    mean = math.fsum(part["n"] * part["mean"] for part in parts) / n
    return {
        "n": n,
        "mean": mean,
        "squares": math.fsum(part["squares"] + part["n"] * (part["mean"] - mean) ** 2 for part in parts),
        "least": min(part["least"] for part in parts),
        "greatest": max(part["greatest"] for part in parts),
    }


def merge_all(sketches: Iterable[Sketched]) -> dict[str, Any]:
    """Return the sketch of all tables together; ValueError for none."""
    every = iter(sketches)
    found = dict(next(every))
    for other in every:
        found = merge(found, other)
    return found
