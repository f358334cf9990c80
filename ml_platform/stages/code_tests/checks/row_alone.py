"""Row alone: a row by itself gives the features that it has among others."""

from __future__ import annotations

import numpy as np

from ml_platform.stages.code_tests.bench import Bench, count, taken
from ml_platform.stages.code_tests.differ import features_differ, names_differ
from ml_platform.stages.spread import spread

ROWS = 48


def row_alone(bench: Bench) -> str:
    """Say which features of a row depend on others being there, such as means, ranks and shifts over the rows."""
    places = np.flatnonzero(spread(count(bench.rows), ROWS))
    alone = [bench.transform(taken(bench.rows, np.array([place]))) for place in places]
    for one in alone:
        if tuple(one) != tuple(bench.features):
            return names_differ(tuple(bench.features), tuple(one))
    together = {name: np.concatenate([one[name] for one in alone]) for name in bench.features}
    return features_differ(taken(bench.features, places), together)
