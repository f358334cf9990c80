"""Evidently's data drift preset, defaults: half of the columns drifted, or any column drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asking import answer, as_plain, numbers_of, same_columns
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

if TYPE_CHECKING:
    import pandas as pd

WAYS = ("half of the columns", "any column")


def ask(reference: pd.DataFrame, batch: pd.DataFrame) -> dict[str, bool]:
    """Read the preset's count of drifted columns."""
    reference, batch = as_plain(reference), as_plain(batch)
    same_columns(reference, batch)
    numbers = numbers_of(reference)
    said = DataDefinition(
        numerical_columns=numbers, categorical_columns=[name for name in reference.columns if name not in set(numbers)]
    )
    old, new = (Dataset.from_pandas(frame, data_definition=said) for frame in (reference, batch))
    metrics = Report([DataDriftPreset()]).run(new, old).dict()["metrics"]
    counts = next(
        one["value"] for one in metrics if "count" in (one["value"] if isinstance(one["value"], dict) else {})
    )
    return {WAYS[0]: counts["share"] >= 0.5, WAYS[1]: counts["count"] > 0}


if __name__ == "__main__":
    answer("evidently", WAYS, ask)
