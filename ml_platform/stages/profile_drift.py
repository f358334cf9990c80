"""Profile drift: how far a batch is from a stored sketch of the reference rows, without those rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ml_platform.core.measurement import Measurement
from ml_platform.stages.sketch_bytes import different_rows, read_quantiles, shared_rows
from ml_platform.stages.sketches import as_numbers
from ml_platform.stats.difference_interval import difference_interval
from ml_platform.stats.kolmogorov_smirnov_of_weights import kolmogorov_smirnov_of_weights
from ml_platform.stats.total_variation_of_counts import total_variation_of_counts

if TYPE_CHECKING:
    import pandas as pd

Sketched = Mapping[str, Any]


def compare_with_sketch(reference: Sketched, batch: pd.DataFrame) -> Iterator[Measurement]:
    """Measure each sketched column of a batch: missing values, and the distance of numbers or of levels.

    `missing_share_difference` is batch minus reference, with its sign. `kolmogorov_smirnov` is bounded by what the
    sketch claims of its ranks, `total_variation` is between level counts, levels that the sketch doesn't name being
    one. A column that the batch lacks is undefined with that reason.
    """
    for name, column in reference["columns"].items():
        if name not in batch:
            reason = "the batch has no such column"
            yield Measurement(metric="missing_share_difference", value=None, n=0, subject=name, reason=reason)
            continue
        values = batch[name]
        yield _missing(column, values, name)
        if "quantiles" in column:
            stored = read_quantiles(column["quantiles"])
            yield kolmogorov_smirnov_of_weights(
                stored.values, stored.weights, as_numbers(values), slack=stored.error, subject=name
            )
        if "levels" in column:
            yield _levels(column, values, name)


def shared_row_share(reference: Sketched, batch: Sketched) -> Measurement:
    """Estimate the share of a batch's different rows that the reference holds too, both as sketches."""
    metric = "shared_row_share"
    rows = different_rows(batch["row_hashes"])
    if not rows:
        return Measurement(metric=metric, value=None, n=0, unit="share", reason="the batch has no rows")
    value, low, high = (min(each / rows, 1.0) for each in shared_rows(reference["row_hashes"], batch["row_hashes"]))
    return Measurement(metric=metric, value=value, n=batch["rows"], low=low, high=high, confidence=0.95, unit="share")


def _missing(column: Sketched, values: pd.Series, name: str) -> Measurement:
    missing = int(values.isna().sum())
    found = difference_interval(missing, len(values), column["missing"], column["n"], subject=name)
    return dataclasses.replace(found, metric="missing_share_difference")


def _levels(column: Sketched, values: pd.Series, name: str) -> Measurement:
    counts = {str(level): int(count) for level, count in values.value_counts(sort=False).items()}
    known = column["levels"]
    unnamed = sum(count for level, count in counts.items() if level not in known)
    current = [*(counts.get(level, 0) for level in known), unnamed]
    found = total_variation_of_counts([*known.values(), column["other"]], current, subject=name)
    return dataclasses.replace(found, facts={**found.facts, "unnamed": unnamed, "hidden": column["hidden"]})
