"""Rows to try faults on: the training rows of the newest snapshot, or what the source holds now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.stages.assemble import assemble
from ml_platform.stages.contract import check_contract
from ml_platform.stages.snapshot import read_rows
from ml_platform.stages.split import read_parts

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import QuarantineRecord, SnapshotRecord, SplitRecord
    from ml_platform.policy.spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRows:
    """A model's own accepted rows: those to draw from, all of them, and the share that the contract had refused.

    The share is None where it isn't on record. `stored` says that tokens stand in place of what names a person.
    """

    drawn_from: pd.DataFrame
    every: pd.DataFrame
    refused_share: float | None
    stored: bool = False


def rows_to_try(
    spec: ModelSpec,
    store: ArtefactStore,
    snapshot: SnapshotRecord | None,
    split: SplitRecord | None,
    quarantine: QuarantineRecord | None,
) -> OwnRows:
    """Return accepted rows, to draw from the training part where the newest snapshot was split, else from all of it.

    Without a snapshot the source is read and checked, and nothing is stored.
    """
    if snapshot is None:
        checked = check_contract(spec, assemble(spec, before=spec.source.as_of if spec.time else None))
        share = float(checked.refused.mean()) if len(checked.frame) else None
        return OwnRows(drawn_from=checked.accepted, every=checked.accepted, refused_share=share)
    rows = read_rows(spec, store, snapshot)
    share = quarantine.rows / quarantine.rows_seen if quarantine is not None and quarantine.rows_seen else None
    if split is None or split.snapshot_digest != snapshot.digest:
        return OwnRows(drawn_from=rows, every=rows, refused_share=share, stored=True)
    training: pd.DataFrame = rows[read_parts(store, split) == "train"].reset_index(drop=True)
    return OwnRows(drawn_from=training, every=rows, refused_share=share, stored=True)
