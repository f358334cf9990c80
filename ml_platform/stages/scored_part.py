"""Scored part: the rows of one part with the score and the decision that a model gives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.learners.scorer import Scorer
from ml_platform.learners.workers import HERE, Workers
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.spread import spread

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPart:
    """Rows, their scores, and the model that gave them.

    Scores have the shape (n,), or (n, classes) of several classes. A binary decision is positive from the threshold on;
    where there is none the likeliest class is the decision, and a number is none.
    """

    matrix: Matrix
    score: Floats
    threshold: float | None
    scorer: Scorer
    threads: int

    @property
    def model_text(self) -> str:
        """Return the model's trees."""
        return self.scorer.model_text

    @property
    def target(self) -> Floats:
        """Return the outcomes: 0 or 1, the class numbers, or the numbers."""
        return self.matrix.target

    @property
    def entity(self) -> NDArray[np.uint64] | None:
        """Return one number per row, equal for rows that belong together; None when every row stands for itself."""
        return self.matrix.entity

    @property
    def decision(self) -> NDArray[np.bool_]:
        """Return the binary decisions."""
        return self.decide(self.score)

    def decide(self, score: Floats) -> NDArray[np.bool_]:
        """Return the binary decisions on scores; ValueError for a model without a threshold."""
        if self.threshold is None:
            message = "scored part: its model has no threshold; one is needed to decide; ask for the likeliest class"
            raise ValueError(message)
        return score >= self.threshold

    def spread(self, most: int) -> ScoredPart:
        """Return at most `most` of the rows, spread evenly; all of them when there are no more."""
        return self.rows_of(spread(len(self.score), most))

    def rows_of(self, rows: NDArray[np.bool_]) -> ScoredPart:
        """Return the rows where a mask, shape (n,), is true."""
        return ScoredPart(
            matrix=self.matrix.rows_of(rows),
            score=self.score[rows],
            threshold=self.threshold,
            scorer=self.scorer,
            threads=self.threads,
        )

    def score_again(self, values: Floats) -> Floats:
        """Score changed values of the same rows with the same model."""
        return self.scorer.score(values, threads=self.threads)


def score_part(
    matrix: Matrix, scorer: Scorer, *, threshold: float | None, threads: int, workers: Workers = HERE
) -> ScoredPart:
    """Score rows, each worker a block of them."""
    score = scorer.score(matrix.values, threads=threads, workers=workers)
    return ScoredPart(matrix=matrix, score=score, threshold=threshold, scorer=scorer, threads=threads)
