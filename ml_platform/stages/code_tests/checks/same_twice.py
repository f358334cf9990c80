"""Same twice: the same input gives the same output, to the bit."""

from __future__ import annotations

import numpy as np

from ml_platform.core.digest import canonical_json
from ml_platform.stages.code_tests.bench import Bench
from ml_platform.stages.code_tests.differ import names_differ, several


def same_twice(bench: Bench) -> str:
    """Say what differs when `fit` and `transform` are called again."""
    if canonical_json(bench.fit(bench.material.training)) != canonical_json(bench.state):
        return "fit learns something else from the same rows"
    again = bench.transform(bench.rows)
    if tuple(again) != tuple(bench.features):
        return names_differ(tuple(bench.features), tuple(again))
    pairs = ((name, values, again[name]) for name, values in bench.features.items())
    other = [name for name, one, two in pairs if not np.array_equal(one, two, equal_nan=True)]
    return several([f"'{name}' is another on the same rows" for name in other])
