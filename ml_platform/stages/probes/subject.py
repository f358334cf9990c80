"""Subject: the model that is probed, with the rows that it was trained on and those that it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import FeaturesRecord, ModelRecord
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.scored_part import ScoredPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A scored holdout, the matrix with all parts, and the levels of category features by the names that may be shown.

    The store, the features' record and the model's are for probes that need raw rows or another training.
    """

    spec: ModelSpec
    store: ArtefactStore
    features: FeaturesRecord
    model: ModelRecord
    matrix: Matrix
    holdout: ScoredPart
    levels: Mapping[str, Sequence[str]]
