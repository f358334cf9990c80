"""Rows to try faults on: the training rows of the newest snapshot, or what the source holds now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.assemble import assemble
from ml_platform.stages.contract import check_contract
from ml_platform.stages.snapshot import read_rows
from ml_platform.stages.split import read_parts

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import SnapshotRecord, SplitRecord
    from ml_platform.policy.spec import ModelSpec


def rows_to_try(
    spec: ModelSpec, store: ArtefactStore, snapshot: SnapshotRecord | None, split: SplitRecord | None
) -> pd.DataFrame:
    """Return accepted rows: of the training part where the newest snapshot was split, else of all of it.

    Without a snapshot the source is read and checked, and nothing is stored.
    """
    if snapshot is None:
        return check_contract(spec, assemble(spec, before=spec.source.as_of if spec.time else None)).accepted
    rows = read_rows(spec, store, snapshot)
    if split is None or split.snapshot_digest != snapshot.digest:
        return rows
    training: pd.DataFrame = rows[read_parts(store, split) == "train"].reset_index(drop=True)
    return training
