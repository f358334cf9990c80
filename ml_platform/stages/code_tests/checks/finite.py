"""Finite: a feature is a number or missing, never infinite."""

from __future__ import annotations

import numpy as np

from ml_platform.stages.code_tests.bench import Bench
from ml_platform.stages.code_tests.differ import several
from ml_platform.stages.encode import Columns


def finite(bench: Bench) -> str:
    """Say which features of the real rows are infinite."""
    return infinite(bench.features)


def infinite(features: Columns) -> str:
    """Say which features are infinite, and in how many rows."""
    counts = {name: int(np.isinf(values).sum()) for name, values in features.items()}
    rows = len(next(iter(features.values()), ()))
    return several([f"'{name}' is infinite in {seen:,} of {rows:,} rows" for name, seen in counts.items() if seen])
