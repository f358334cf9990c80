"""Other rows: features of a row stay when the rows around it hold something else."""

from __future__ import annotations

import numpy as np

from ml_platform.stages.code_tests.bench import Bench, count, taken
from ml_platform.stages.code_tests.differ import features_differ


def other_rows(bench: Bench) -> str:
    """Say which features change when every second row is replaced by one that the contract allows."""
    kept = np.arange(count(bench.rows)) % 2 == 0
    promised = bench.material.promised
    places = np.arange(count(bench.rows)) % count(promised)
    altered = {name: np.where(kept, values, promised[name][places]) for name, values in bench.rows.items()}
    return features_differ(taken(bench.features, kept), taken(bench.transform(altered), kept))
