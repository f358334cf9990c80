"""Unseen levels: a category that training never saw, and each declared one, can come with a request."""

from __future__ import annotations

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.code_tests.bench import Bench, NotApplicable
from ml_platform.stages.code_tests.checks.finite import infinite
from ml_platform.stages.code_tests.differ import several


def unseen_levels(bench: Bench) -> str:
    """Say for which category a level that isn't known, or the last one that is declared, can't be handled."""
    levels = bench.material.levels
    if not levels:
        raise NotApplicable("the contract has no category among the inputs")
    seen = []
    for name, known in levels.items():
        for what, code in (("a level never seen", np.nan), ("the last declared level", float(max(known - 1, 0)))):
            given = {**bench.rows, name: np.full_like(bench.rows[name], code)}
            try:
                wrong = infinite(bench.transform(given))
            except DataInvalid as error:
                wrong = str(error)
            if wrong:
                seen.append(f"'{name}' with {what}: {wrong}")
    return several(seen)
