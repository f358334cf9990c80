"""Bench: a features module with its material, and what it makes of the real rows; every test compares with that."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.author_code import fitted, transformed
from ml_platform.stages.code_tests.material import Material
from ml_platform.stages.encode import Columns
from ml_platform.stages.features_module import FeaturesModule


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a test has at hand: `state` was fitted on the training rows, `features` were made of the rows."""

    module: FeaturesModule
    material: Material
    state: Mapping[str, Any]
    features: Columns

    @property
    def rows(self) -> Columns:
        """Return the real rows."""
        return self.material.rows

    def transform(self, columns: Columns) -> Columns:
        """Return the features of rows, made from copies of rows and state; raises DataInvalid."""
        return transformed(self.module, copied(columns), copy.deepcopy(dict(self.state)))

    def fit(self, columns: Columns) -> Mapping[str, Any]:
        """Return what is learned from copies of rows; raises DataInvalid."""
        return fitted(self.module, copied(columns))


class NotApplicable(Exception):
    """A test has nothing to look at in this module."""


def set_up(module: FeaturesModule, material: Material) -> Bench:
    """Fit and transform the real rows; raises DataInvalid when the module can't."""
    state = fitted(module, copied(material.training))
    features = transformed(module, copied(material.rows), copy.deepcopy(state))
    return Bench(module=module, material=material, state=state, features=features)


def copied(columns: Columns) -> dict[str, NDArray[np.float64]]:
    """Return columns of their own."""
    return {name: np.array(values) for name, values in columns.items()}


def taken(columns: Columns, rows: NDArray[Any] | slice) -> dict[str, NDArray[np.float64]]:
    """Return some rows of all columns."""
    return {name: np.array(values[rows]) for name, values in columns.items()}


def count(columns: Columns) -> int:
    """Return how many rows there are."""
    return len(next(iter(columns.values())))
