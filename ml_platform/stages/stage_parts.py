"""Stage parts: what each stage of a version made, part by part and by digest, so that two makings can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.scoring import ENVIRONMENT

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import (
        EvaluationRecord,
        FeaturesRecord,
        ModelRecord,
        SnapshotRecord,
        SourceFingerprint,
        SplitRecord,
    )

STAGES = ("source", "snapshot", "split", "features", "model", "evaluation")
_TABLE = "scores.parquet"

Parts = Mapping[str, str]


def source_parts(record: SourceFingerprint) -> Parts:
    """Return the digest of each table."""
    return {f"table {name}": digest for name, digest in record.tables.items()}


def snapshot_parts(record: SnapshotRecord) -> Parts:
    """Return the digest of the accepted rows."""
    return {"rows": record.digest}


def split_parts(record: SplitRecord) -> Parts:
    """Return the digest of which row is in which part."""
    return {"parts": record.digest}


def features_parts(record: FeaturesRecord) -> Parts:
    """Return the digests of the features' code, of what they learned, and of all together with the matrix."""
    named = digest_of([record.names, record.categorical])
    return {"code": record.code_digest, "names": named, "state": record.state_digest, "matrix": record.digest}


def model_parts(store: ArtefactStore, record: ModelRecord) -> Parts:
    """Return the digests of the trees and of every file but the list of what is installed, which isn't the model."""
    files = {name: store.read("models", record.digest, name) for name in store.names("models", record.digest)}
    named = {name: digest_of_bytes(content) for name, content in files.items() if name != ENVIRONMENT}
    return {"trees": record.tree_digest, "threshold": digest_of(record.threshold), **named}


def evaluation_parts(store: ArtefactStore, record: EvaluationRecord) -> Parts:
    """Return the digest of every file; of the scores that of the numbers, however they are packed."""
    files = {name: store.read("evaluations", record.digest, name) for name in store.names("evaluations", record.digest)}
    found = {name: digest_of_bytes(content) for name, content in files.items() if name != _TABLE}
    return {**found, "scores": _numbers(files[_TABLE])} if _TABLE in files else found


def _numbers(content: bytes) -> str:
    import io

    from ml_platform.stages.parquet import read_parquet

    frame = read_parquet(io.BytesIO(content))
    return digest_of({str(name): _column(values) for name, values in frame.items()})


def _column(values: pd.Series) -> str:
    """Return the digest of a column; texts by what they say, numbers by their bits."""
    if values.dtype.kind in "biuf":
        return digest_of_bytes(values.to_numpy().tobytes())
    return digest_of([None if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)])
