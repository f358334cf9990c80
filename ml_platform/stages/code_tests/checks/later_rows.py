"""Later rows: features of the first rows stay when those after them aren't there."""

from __future__ import annotations

from ml_platform.stages.code_tests.bench import Bench, count, taken
from ml_platform.stages.code_tests.differ import features_differ


def later_rows(bench: Bench) -> str:
    """Say which features look at rows further down."""
    first = slice(0, count(bench.rows) // 2 + 1)
    return features_differ(taken(bench.features, first), bench.transform(taken(bench.rows, first)))
