"""Subject: the model that is probed, with the rows that it was trained on and those that it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import FeaturesRecord, ModelRecord
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.scored_part import ScoredPart
from ml_platform.stages.spread import spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A scored holdout, the matrix with all parts, and the levels of category features by the names that may be shown.

    The store, the features' record and the model's are for probes that need raw rows or another training. `rival` are
    the champion's scores of the holdout rows; None without a champion, and where it has seen some of them.
    """

    spec: ModelSpec
    store: ArtefactStore
    features: FeaturesRecord
    model: ModelRecord
    matrix: Matrix
    holdout: ScoredPart
    levels: Mapping[str, Sequence[str]]
    rival: NDArray[np.float64] | None = None

    def fewer(self, most: int) -> Subject:
        """Return the subject with at most so many holdout rows, spread evenly."""
        rows = spread(self.holdout.target.size, most)
        rival = None if self.rival is None else self.rival[rows]
        return replace(self, holdout=self.holdout.spread(most), rival=rival)
