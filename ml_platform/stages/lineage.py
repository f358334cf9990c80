"""Lineage: which inputs a feature is made from, found by changing one input at a time and watching the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.author_code import transformed

if TYPE_CHECKING:
    from ml_platform.stages.encode import Columns
    from ml_platform.stages.features_module import FeaturesModule

SAMPLE = 512


def find_lineage(
    module: FeaturesModule, inputs: Columns, fitted: Mapping[str, Any], names: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return the inputs of each feature, in the contract's order.

    On a sample of rows each input is shifted by a row, reversed and made missing; the features that change depend
    on it. A dependence that none of this shows on the sample stays unseen. Raises DataInvalid when `transform` can't
    cope with a missing input.
    """
    rows = _sample(len(next(iter(inputs.values()))))
    sample = {name: values[rows] for name, values in inputs.items()}
    before = transformed(module, sample, fitted)
    found: dict[str, list[str]] = {name: [] for name in names}
    for source, values in sample.items():
        changed = [transformed(module, {**sample, source: other}, fitted) for other in _changes(values)]
        for name in names:
            if any(not np.array_equal(before[name], after[name], equal_nan=True) for after in changed):
                found[name].append(source)
    return {name: tuple(sources) for name, sources in found.items()}


def _sample(rows: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, rows - 1, min(rows, SAMPLE)).astype(np.intp))


def _changes(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    return np.roll(values, 1), values[::-1].copy(), np.full(values.size, np.nan)
