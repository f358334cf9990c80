"""The reference of a release: what its rows, scores and performance were when it was proven."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pandas as pd

from ml_platform.core.measurement import Measurement
from ml_platform.stages.parquet import read_parquet

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import ReleaseRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a version was like when it was released: training rows, its holdout scores, its AUC with standard error."""

    rows: pd.DataFrame
    scores: pd.Series[float]
    auc: float | None
    auc_standard_error: float | None


def read_reference(store: ArtefactStore, release: ReleaseRecord) -> Reference:
    """Read a release's reference from the artefacts that its candidate names; each is checked against its hash."""
    candidate = release.candidate
    rows = read_parquet(store.open("snapshots", candidate.snapshot_digest, "data.parquet"))
    parts = read_parquet(store.open("splits", candidate.split_digest, "parts.parquet"))["part"].astype(str)
    scores = read_parquet(store.open("evaluations", candidate.evaluation_digest, "scores.parquet"))
    measured = msgspec.json.decode(
        store.read("evaluations", candidate.evaluation_digest, "measurements.json"), type=list[Measurement]
    )
    auc = next((one for one in measured if one.metric == "roc_auc" and not one.subject), None)
    error = auc.facts.get("standard_error") if auc else None
    return Reference(
        rows=rows[(parts == "train").to_numpy()],
        scores=scores["score"],
        auc=auc.value if auc else None,
        auc_standard_error=float(error) if isinstance(error, int | float) else None,
    )
