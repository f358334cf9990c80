"""Sample: a bounded number of a model's own rows, as the material that its features module is tried on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.code_tests.material import Material
from ml_platform.stages.code_tests.promised import promised_columns
from ml_platform.stages.encode import encode_frame, input_columns, learn_levels, row_encoder
from ml_platform.stages.request_rows import request_rows
from ml_platform.stages.spread import spread

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

TRAINING_ROWS = 4_000
ROWS = 256
SEED = 20
LEAST = 2


def take_material(spec: ModelSpec, training: pd.DataFrame) -> Material:
    """Return evenly spaced training rows, with one of every level, and rows made from the contract.

    Raises DataInvalid when there are too few rows to compare one with another.
    """
    if len(training) < LEAST:
        message = f"{spec.model}: {len(training)} training rows; {LEAST} are needed to try the features module on"
        raise DataInvalid(message)
    levels = learn_levels(spec, training)
    fitted_on = training[_with_every_level(training, list(levels))]
    shown = fitted_on[spread(len(fitted_on), ROWS)]
    columns = encode_frame(spec, levels, fitted_on)
    return Material(
        training=columns,
        rows=encode_frame(spec, levels, shown),
        requests=row_encoder(input_columns(spec), levels)(request_rows(spec, shown)),
        promised=promised_columns(spec, levels, columns, rng=np.random.default_rng(SEED)),
        levels={name: len(known) for name, known in levels.items()},
    )


def _with_every_level(training: pd.DataFrame, categories: list[str]) -> NDArray[np.bool_]:
    """Return which rows to fit on: a level that the sample misses would look as if `fit` hadn't known it."""
    chosen = spread(len(training), TRAINING_ROWS)
    for name in categories:
        _, first = np.unique(training[name].cat.codes.to_numpy(), return_index=True)
        chosen[first] = True
    return chosen
