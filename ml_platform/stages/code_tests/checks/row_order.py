"""Row order: permuted rows give permuted features."""

from __future__ import annotations

import numpy as np

from ml_platform.stages.code_tests.bench import Bench, count, taken
from ml_platform.stages.code_tests.differ import features_differ

SEED = 1


def row_order(bench: Bench) -> str:
    """Say which features depend on the order of the rows."""
    places = np.random.default_rng(SEED).permutation(count(bench.rows))
    return features_differ(taken(bench.features, places), bench.transform(taken(bench.rows, places)))
