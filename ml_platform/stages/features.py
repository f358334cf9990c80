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
from ml_platform.core.records import FeaturesRecord
from ml_platform.policy.spec import Role
from ml_platform.stages.encode import encode_frame, learn_levels
from ml_platform.stages.features_module import Columns, FeaturesModule, load_features
from ml_platform.stages.leakage import measure_features
from ml_platform.stages.lineage import find_lineage
from ml_platform.stages.matrix import Matrix, matrix_digest, matrix_frame, matrix_of
from ml_platform.stages.parquet import parquet_bytes, read_parquet
from ml_platform.stages.snapshot import read_rows
from ml_platform.stages.split import read_parts

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import SnapshotRecord, SplitRecord
    from ml_platform.policy.spec import ModelSpec

KIND = "features"
_AUTHORS_FAULTS = (KeyError, IndexError, TypeError, ValueError, AttributeError, ZeroDivisionError)


def build_features(
    spec: ModelSpec, *, store: ArtefactStore, snapshot: SnapshotRecord, split: SplitRecord
) -> Measured[FeaturesRecord]:
    """Encode the inputs, fit on the training rows, transform all rows and store matrix and state.

    Raises DataInvalid when the features module fails or returns anything but float columns of the rows' length.
    """
    module = load_features(spec)
    frame, parts = read_rows(spec, store, snapshot), read_parts(store, split)
    _require_same_rows(spec, snapshot, split, frame, parts)
    train = parts == "train"
    levels = learn_levels(spec, frame[train])
    inputs = encode_frame(spec, levels, frame)
    fitted = _fitted(module, {name: values[train] for name, values in inputs.items()})
    outputs = transformed(module, inputs, fitted)
    state = {"schema_version": 1, "levels": levels, "fitted": fitted}
    matrix = _matrix(spec, frame, parts, inputs, outputs)
    lineage = find_lineage(module, inputs, fitted, tuple(outputs))
    code, state_digest = module.digest, digest_of(state)
    record = FeaturesRecord(
        model=spec.model,
        digest=digest_of([split.digest, code, state_digest, matrix_digest(matrix)]),
        snapshot_digest=snapshot.digest,
        split_digest=split.digest,
        code_digest=code,
        state_digest=state_digest,
        names=matrix.names,
        categorical=matrix.categorical,
        rows=len(frame),
        lineage=lineage,
    )
    unchanged = store.has(KIND, record.digest) or not store.put(
        KIND,
        record.digest,
        {
            "matrix.parquet": parquet_bytes(matrix_frame(matrix)),
            "state.json": canonical_json(state).encode(),
            "features.json": canonical_json(record).encode(),
        },
    )
    measurements = measure_features(spec, module, state, frame=frame, matrix=matrix, lineage=lineage)
    return Measured(record=record, measurements=measurements, unchanged=unchanged)


def read_matrix(store: ArtefactStore, features: FeaturesRecord) -> Matrix:
    """Return the stored matrix in the snapshot's row order."""
    frame = read_parquet(store.path(KIND, features.digest, "matrix.parquet"))
    return matrix_of(frame, features.names, features.categorical)


def read_state(store: ArtefactStore, features: FeaturesRecord) -> dict[str, Any]:
    """Return the fitted state: `levels` of the category inputs and `fitted`, what the features module learned."""
    found: dict[str, Any] = json.loads(store.read(KIND, features.digest, "state.json"))
    return found


def transformed(module: FeaturesModule, inputs: Columns, fitted: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Run a features module's `transform`; raises DataInvalid, without values, when it fails or returns no columns."""
    try:
        outputs = dict(module.transform(inputs, fitted))
    except _AUTHORS_FAULTS as error:
        raise DataInvalid(f"{module.name}: transform failed ({_said(error)}); correct it") from None
    rows = len(next(iter(inputs.values())))
    for name, values in outputs.items():
        if not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.shape != (rows,):
            seen = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
            message = f"{module.name}: transform returns '{name}' as {seen}; float64 ({rows},) is needed; correct it"
            raise DataInvalid(message)
    if not outputs:
        raise DataInvalid(f"{module.name}: transform returns no columns; at least one feature is needed; correct it")
    return outputs


def _fitted(module: FeaturesModule, train: Columns) -> dict[str, Any]:
    if module.fit is None:
        return {}
    try:
        found = json.loads(canonical_json(module.fit(train)))
    except _AUTHORS_FAULTS as error:
        message = f"{module.name}: fit failed ({_said(error)}); it returns a dict of finite JSON values; correct it"
        raise DataInvalid(message) from None
    if not isinstance(found, dict):
        raise DataInvalid(f"{module.name}: fit returned {type(found).__name__}; a dict is needed; correct it")
    return found


def _said(error: Exception) -> str:
    return f"no column {error}" if isinstance(error, KeyError) else type(error).__name__


def _matrix(
    spec: ModelSpec, frame: pd.DataFrame, parts: NDArray[np.str_], inputs: Columns, outputs: Columns
) -> Matrix:
    categorical = tuple(
        name
        for name, values in outputs.items()
        if name in inputs
        and spec.contract[name].type == "category"
        and (values is inputs[name] or np.array_equal(values, inputs[name], equal_nan=True))
    )
    return Matrix(
        values=np.column_stack(list(outputs.values())),
        names=tuple(outputs),
        categorical=categorical,
        target=frame[spec.target].to_numpy(dtype=np.float64),
        part=parts,
        entity=None if spec.entity is None else hashed(spec.model, frame[spec.entity]),
        groups={name: _group(frame[name]) for name in spec.columns(Role.GROUP)},
        time=None if spec.time is None else frame[spec.time].to_numpy(dtype="datetime64[us]"),
    )


def hashed(model: str, entities: pd.Series) -> NDArray[np.uint64]:
    """Return one 64-bit hash per row: enough to tell entities apart, a pseudonym and no secret."""
    import pandas as pd

    codes, names = pd.factorize(entities)
    digests = [hashlib.sha256(f"{model}:{name}".encode()).digest() for name in names]
    hashes = np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)
    found: NDArray[np.uint64] = hashes[codes]
    return found


def _group(values: pd.Series) -> NDArray[np.object_]:
    texts = values.astype("str").to_numpy(dtype=object)
    found: NDArray[np.object_] = np.where(values.isna().to_numpy(), None, texts)
    return found


def _require_same_rows(
    spec: ModelSpec, snapshot: SnapshotRecord, split: SplitRecord, frame: pd.DataFrame, parts: NDArray[np.str_]
) -> None:
    if split.snapshot_digest != snapshot.digest or len(frame) != parts.size:
        message = (
            f"{spec.model}: the split is of snapshot {split.snapshot_digest}, the rows are of {snapshot.digest}; "
            "they must belong together; materialise `split` again"
        )
        raise DataInvalid(message)
