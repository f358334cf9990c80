"""Scored part: the rows of one part with the score and the decision that a model gives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.learners.scorer import Scorer
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.spread import spread

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPart:
    """Rows, their scores, shape (n,), and the model that gave them; a decision is positive from the threshold on."""

    matrix: Matrix
    score: Floats
    threshold: float
    scorer: Scorer
    threads: int

    @property
    def model_text(self) -> str:
        """Return the model's trees."""
        return self.scorer.model_text

    @property
    def target(self) -> Floats:
        """Return the outcomes, 0 or 1."""
        return self.matrix.target

    @property
    def entity(self) -> NDArray[np.uint64] | None:
        """Return one number per row, equal for rows that belong together; None when every row stands for itself."""
        return self.matrix.entity

    @property
    def decision(self) -> NDArray[np.bool_]:
        """Return the decisions."""
        return self.score >= self.threshold

    def spread(self, most: int) -> ScoredPart:
        """Return at most `most` of the rows, spread evenly; all of them when there are no more."""
        chosen = spread(self.score.size, most)
        return ScoredPart(
            matrix=self.matrix.rows_of(chosen),
            score=self.score[chosen],
            threshold=self.threshold,
            scorer=self.scorer,
            threads=self.threads,
        )

    def score_again(self, values: Floats) -> Floats:
        """Score changed values of the same rows with the same model."""
        return self.scorer.score(values, threads=self.threads)


def score_part(matrix: Matrix, scorer: Scorer, *, threshold: float, threads: int) -> ScoredPart:
    """Score rows."""
    score = scorer.score(matrix.values, threads=threads)
    return ScoredPart(matrix=matrix, score=score, threshold=threshold, scorer=scorer, threads=threads)
