"""Few rows: one row and no row are tables too, with the same features."""

from __future__ import annotations

from ml_platform.stages.code_tests.bench import Bench, taken
from ml_platform.stages.code_tests.differ import names_differ


def few_rows(bench: Bench) -> str:
    """Say what is wrong with the features of one row or none."""
    for what, rows in (("one row", slice(0, 1)), ("no row", slice(0, 0))):
        found = bench.transform(taken(bench.rows, rows))
        wrong = names_differ(tuple(bench.features), tuple(found))
        if wrong:
            return f"{what}: {wrong}"
    return ""
