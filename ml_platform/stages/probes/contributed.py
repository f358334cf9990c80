"""Contributed: what each feature did to the scores of some holdout rows, computed once for the probes that ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.learners.lightgbm_native import contributions
from ml_platform.learners.tree_text import leaf_count
from ml_platform.stages.explain import sizes_of
from ml_platform.stages.scored_part import ScoredPart

if TYPE_CHECKING:
    from ml_platform.stages.probes.subject import Subject

# TreeSHAP's time grows with rows × leaves: about a quarter of a second of one core.
ROW_LEAVES = 1_500_000
FEWEST_ROWS, MOST_ROWS = 50, 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributed:
    """Explained rows with the contributions (n, k) to their scores or, of several classes, (n, K, k) to each."""

    rows: ScoredPart
    found: Floats

    @property
    def sizes(self) -> Floats:
        """Return how far each feature moves each row, shape (n, k)."""
        return sizes_of(self.found)

    @property
    def strongest(self) -> list[int]:
        """Return the places of the features that move a score, those that move it most first."""
        means = self.sizes.mean(axis=0)
        return [int(place) for place in np.argsort(-means, kind="stable") if means[place] > 0]

    def decided(self, found: Floats) -> Floats:
        """Return the contributions to what was decided of each row, shape (n, k): to the likeliest of several classes.

        `found` has the shape of the rows' own contributions.
        """
        if found.ndim == 2:
            return found
        likeliest: Floats = found[np.arange(len(found)), self.rows.score.argmax(axis=1)]
        return likeliest


def contributed(subject: Subject) -> Contributed:
    """Explain 50 to 1,000 of the holdout rows, spread evenly; fewer the larger the model."""
    most = int(np.clip(ROW_LEAVES // leaf_count(subject.holdout.model_text), FEWEST_ROWS, MOST_ROWS))
    rows = subject.holdout.spread(most)
    return Contributed(rows=rows, found=contributions(rows.model_text, rows.matrix.values, threads=rows.threads))
