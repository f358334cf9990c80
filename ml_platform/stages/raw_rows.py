"""Raw rows: holdout rows as the inputs of a request, and the way from changed inputs to the model's scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.author_code import transformed
from ml_platform.stages.encode import Columns, encode_frame, input_columns, row_encoder
from ml_platform.stages.features import read_state
from ml_platform.stages.features_module import FeaturesModule, load_features
from ml_platform.stages.parquet import read_parquet
from ml_platform.stages.robustness import ROWS
from ml_platform.stages.scored_part import ScoredPart
from ml_platform.stages.spread import spread

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import FeaturesRecord
    from ml_platform.stages.matrix import Matrix

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRows:
    """Up to 3,000 holdout rows with their inputs, and the recorded features code that makes features of inputs."""

    spec: ModelSpec
    rows: ScoredPart
    inputs: Columns
    module: FeaturesModule
    state: Mapping[str, Any]

    def encode(self, rows: Sequence[Mapping[str, object]]) -> Columns:
        """Return request rows as inputs; a level never seen in training is missing, as it is to a service."""
        return row_encoder(input_columns(self.spec), self.state["levels"])(rows)

    def values(self, inputs: Columns) -> Floats:
        """Return the features of inputs, shape (n, features); DataInvalid when the author's code fails on them."""
        columns, names = transformed(self.module, inputs, self.state["fitted"]), self.rows.matrix.names
        if lacking := [name for name in names if name not in columns]:
            message = f"{self.module.name}: transform returns no '{lacking[0]}' of these rows; it is needed; correct it"
            raise DataInvalid(message)
        return np.column_stack([columns[name] for name in names])

    def score(self, inputs: Columns) -> Floats:
        """Return the model's scores of inputs."""
        return self.rows.score_again(self.values(inputs))

    def changed(self, **columns: Floats) -> Columns:
        """Return the inputs of the rows with some columns replaced, read-only as all inputs are."""
        for values in columns.values():
            values.flags.writeable = False
        return {**self.inputs, **columns}


def read_raw_rows(
    spec: ModelSpec, *, store: ArtefactStore, features: FeaturesRecord, matrix: Matrix, holdout: ScoredPart
) -> RawRows:
    """Read the inputs of holdout rows from the snapshot.

    Raises DataInvalid when the features module isn't the recorded one any more, or doesn't make the recorded features
    of these rows: then nothing that it makes of other rows says anything about the model.
    """
    module, state = load_features(spec), read_state(store, features)
    if module.digest != features.code_digest:
        raise DataInvalid(
            f"{module.name}: its code isn't the recorded one; that is needed; materialise `features` again"
        )
    frame = read_parquet(store.open("snapshots", features.snapshot_digest, "data.parquet"))
    places = np.flatnonzero(matrix.part == "holdout")[spread(len(holdout.score), ROWS)]
    inputs = encode_frame(spec, state["levels"], frame.iloc[places])
    found = RawRows(spec=spec, rows=holdout.spread(ROWS), inputs=inputs, module=module, state=state)
    if not np.array_equal(found.values(inputs), found.rows.matrix.values, equal_nan=True):
        raise DataInvalid(
            f"{module.name}: the features of {places.size:,} holdout rows alone aren't those they got among all rows; "
            "the same are needed; make each row's features from that row only"
        )
    return found
