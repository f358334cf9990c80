"""The reference of a release: what its rows, scores and performance were when it was proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import pandas as pd

from ml_platform.core.measurement import Measurement
from ml_platform.stages.parquet import read_parquet

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import ReleaseRecord
    from ml_platform.policy.spec import ModelSpec, Task

HEADLINES: Mapping[Task, str] = MappingProxyType(
    {
        "binary": "roc_auc",
        "multiclass": "multiclass_log_loss",
        "regression": "mean_absolute_error",
        "quantile": "pinball_loss",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a version was like when it was released: training rows, holdout scores, its AUC or loss on the holdout.

    `headline` is what live windows are compared with: the AUC of a binary model, the mean loss of one that predicts
    numbers, with `standard_error`.
    """

    rows: pd.DataFrame
    scores: pd.Series[float]
    headline: float | None
    standard_error: float | None


def read_reference(spec: ModelSpec, store: ArtefactStore, release: ReleaseRecord) -> Reference:
    """Read a release's reference from the artefacts that its candidate names; each is checked against its hash."""
    candidate = release.candidate
    rows = read_parquet(store.open("snapshots", candidate.snapshot_digest, "data.parquet"))
    parts = read_parquet(store.open("splits", candidate.split_digest, "parts.parquet"))["part"].astype(str)
    scores = read_parquet(store.open("evaluations", candidate.evaluation_digest, "scores.parquet"))
    measured = msgspec.json.decode(
        store.read("evaluations", candidate.evaluation_digest, "measurements.json"), type=list[Measurement]
    )
    found = next((one for one in measured if one.metric == HEADLINES[spec.learner.task] and not one.subject), None)
    error = found.facts.get("standard_error") if found else None
    return Reference(
        rows=rows[(parts == "train").to_numpy()],
        scores=scores["score"],
        headline=found.value if found else None,
        standard_error=float(error) if isinstance(error, int | float) else None,
    )
