"""NannyML's reconstruction error and domain classifier, defaults; the reference makes at least five chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nannyml
from asking import answer, as_plain, numbers_of, same_columns

if TYPE_CHECKING:
    import pandas as pd

WAYS = ("reconstruction", "domain classifier")


def ask(reference: pd.DataFrame, batch: pd.DataFrame) -> dict[str, bool]:
    """Alarm when more than half of the batch's chunks are alerts."""
    reference, batch = as_plain(reference), as_plain(batch)
    same_columns(reference, batch)
    names = list(reference.columns)
    numbers = set(numbers_of(reference))
    texts = [name for name in names if name not in numbers]
    size = max(100, min(len(batch), len(reference) // 5))
    for frame in (reference, batch):
        frame[texts] = frame[texts].fillna("(missing)").astype("category")
    reconstruction = nannyml.DataReconstructionDriftCalculator(column_names=names, chunk_size=size)
    domain = nannyml.DomainClassifierCalculator(feature_column_names=names, chunk_size=size)
    return {way: _alarm(one, reference, batch) for way, one in zip(WAYS, (reconstruction, domain), strict=True)}


def _alarm(calculator: nannyml.base.AbstractCalculator, reference: pd.DataFrame, batch: pd.DataFrame) -> bool:
    found = calculator.fit(reference).calculate(batch).filter(period="analysis").to_df()
    alerts = found.xs("alert", axis=1, level=found.columns.nlevels - 1)
    return float(alerts.to_numpy(dtype=float).mean()) > 0.5


if __name__ == "__main__":
    answer("nannyml", WAYS, ask)
