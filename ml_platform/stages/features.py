"""Features: the matrix a model learns from; whatever is fitted is fitted on the training rows only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import canonical_json, digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.records import FeaturesRecord, SnapshotRecord, SplitRecord
from ml_platform.policy.spec import Role
from ml_platform.stages.author_code import fitted, transformed
from ml_platform.stages.encode import Columns, encode_frame, learn_levels
from ml_platform.stages.encode_target import encode_target
from ml_platform.stages.features_module import load_features
from ml_platform.stages.leakage import measure_features
from ml_platform.stages.learn_ranges import learn_ranges
from ml_platform.stages.lineage import find_lineage
from ml_platform.stages.matrix import Matrix, matrix_digest, matrix_frame, matrix_of
from ml_platform.stages.parquet import parquet_bytes, read_parquet
from ml_platform.stages.snapshot import read_rows
from ml_platform.stages.split import read_parts

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.policy.spec import ModelSpec

KIND = "features"


def build_features(
    spec: ModelSpec, *, store: ArtefactStore, snapshot: SnapshotRecord, split: SplitRecord
) -> Measured[FeaturesRecord]:
    """Encode the inputs, fit on the training rows, transform all rows and store matrix and state.

    Raises DataInvalid when the features module fails or returns anything but float columns of the rows' length, and
    when snapshot and split don't belong together.
    """
    module = load_features(spec)
    frame, parts = read_rows(spec, store, snapshot), read_parts(store, split)
    _require_same_rows(spec, snapshot, split, rows=len(frame), parts=parts.size)
    train = parts == "train"
    levels = learn_levels(spec, frame[train])
    inputs = encode_frame(spec, levels, frame)
    learned = fitted(module, {name: values[train] for name, values in inputs.items()})
    state = {"schema_version": 1, "levels": levels, "fitted": learned}
    if spec.guard is not None:
        state["ranges"] = learn_ranges(spec, {name: values[train] for name, values in inputs.items()})
    matrix = _matrix(spec, frame, parts, inputs, transformed(module, inputs, learned))
    lineage = find_lineage(module, inputs, learned, matrix.names)
    record = FeaturesRecord(
        model=spec.model,
        digest=digest_of([split.digest, module.digest, digest_of(state), matrix_digest(matrix)]),
        snapshot_digest=snapshot.digest,
        split_digest=split.digest,
        code_digest=module.digest,
        state_digest=digest_of(state),
        names=matrix.names,
        categorical=matrix.categorical,
        rows=len(frame),
        lineage=lineage,
    )
    unchanged = not _keep(store, record, matrix, state)
    measurements = measure_features(spec, module, state, frame=frame, matrix=matrix, lineage=lineage)
    return Measured(record=record, measurements=measurements, unchanged=unchanged)


def read_matrix(store: ArtefactStore, features: FeaturesRecord) -> Matrix:
    """Return the stored matrix in the snapshot's row order."""
    frame = read_parquet(store.open(KIND, features.digest, "matrix.parquet"))
    return matrix_of(frame, features.names, features.categorical)


def read_state(store: ArtefactStore, features: FeaturesRecord) -> dict[str, Any]:
    """Return the fitted state: `levels` of the category inputs and `fitted`, what the features module learned.

    `ranges` of the numeric inputs are there when the model file has a guard.
    """
    found: dict[str, Any] = json.loads(store.read(KIND, features.digest, "state.json"))
    return found


def pseudonyms(model: str, entities: pd.Series) -> NDArray[np.uint64]:
    """Return one 64-bit hash per row: enough to tell entities apart within a model, a pseudonym and no secret."""
    import pandas as pd

    codes, names = pd.factorize(entities)
    digests = [hashlib.sha256(f"{model}:{name}".encode()).digest() for name in names]
    hashes = np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)
    found: NDArray[np.uint64] = hashes[codes]
    return found


def _keep(store: ArtefactStore, record: FeaturesRecord, matrix: Matrix, state: Mapping[str, Any]) -> bool:
    if store.has(KIND, record.digest):
        return False
    files = {
        "matrix.parquet": parquet_bytes(matrix_frame(matrix)),
        "state.json": canonical_json(state).encode(),
        "features.json": canonical_json(record).encode(),
    }
    return store.put(KIND, record.digest, files)


def _matrix(spec: ModelSpec, frame: pd.DataFrame, parts: NDArray[np.str_], inputs: Columns, outputs: Columns) -> Matrix:
    return Matrix(
        values=np.column_stack(list(outputs.values())),
        names=tuple(outputs),
        categorical=tuple(name for name in outputs if _is_level_code(spec, name, inputs, outputs)),
        target=encode_target(spec, frame[spec.target]),
        part=parts,
        entity=None if spec.entity is None else pseudonyms(spec.model, frame[spec.entity]),
        groups={name: _texts(frame[name]) for name in spec.columns(Role.GROUP)},
        time=None if spec.time is None else frame[spec.time].to_numpy(dtype="datetime64[us]"),
        weight=None if spec.weight is None else frame[spec.weight].to_numpy(dtype=np.float64, na_value=np.nan),
    )


def _is_level_code(spec: ModelSpec, name: str, inputs: Columns, outputs: Columns) -> bool:
    """Say whether a feature is a category column's own code, handed through under its name."""
    if name not in inputs or spec.contract[name].type != "category":
        return False
    return outputs[name] is inputs[name] or np.array_equal(outputs[name], inputs[name], equal_nan=True)


def _texts(values: pd.Series) -> NDArray[np.object_]:
    texts = np.array([None if value is None else str(value) for value in values.astype(object)], dtype=object)
    texts[values.isna().to_numpy()] = None
    return texts


def _require_same_rows(spec: ModelSpec, snapshot: SnapshotRecord, split: SplitRecord, *, rows: int, parts: int) -> None:
    if split.snapshot_digest != snapshot.digest or rows != parts:
        raise DataInvalid(
            f"{spec.model}: the split is of snapshot {split.snapshot_digest}, the rows are of {snapshot.digest}; "
            "they must belong together; materialise `split` again"
        )
