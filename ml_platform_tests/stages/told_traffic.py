"""Predictions and labels as the traffic log and the label store read them: in columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ml_platform.adapters.label_words import in_columns as words_in_columns
from ml_platform.adapters.traffic_columns import in_columns
from ml_platform.core.traffic import Label, Prediction

if TYPE_CHECKING:
    import pyarrow as pa


def told(predictions: Sequence[Prediction]) -> Iterator[pa.Table]:
    """Return predictions in columns, as if they had been logged."""
    yield in_columns([msgspec.json.encode(one) for one in predictions], Path("told"))


def words(labels: Iterable[Label]) -> Iterator[pa.Table]:
    """Return labels in columns, as if they had been said in this order."""
    yield words_in_columns(list(labels))
