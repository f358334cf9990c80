"""Fit order: `fit` learns the same from the same rows in another order."""

from __future__ import annotations

import numpy as np

from ml_platform.stages.code_tests.bench import Bench, NotApplicable, count, taken
from ml_platform.stages.code_tests.differ import states_differ

SEED = 2


def fit_order(bench: Bench) -> str:
    """Say what in the state depends on the order of the training rows."""
    if bench.module.fit is None:
        raise NotApplicable("the module has no fit")
    training = bench.material.training
    places = np.random.default_rng(SEED).permutation(count(training))
    return states_differ(bench.state, bench.fit(taken(training, places)))
