"""The features of the small model with a costly step in them: every gate opens, and each answer takes long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ml_platform_tests.orchestration import small_features
from ml_platform_tests.orchestration.small_features import Columns

COSTS_SECONDS = 0.03


def fit(columns: Columns) -> dict[str, Any]:
    return small_features.fit(columns)


def transform(columns: Columns, state: Mapping[str, Any]) -> Columns:
    time.sleep(COSTS_SECONDS)
    return small_features.transform(columns, state)
