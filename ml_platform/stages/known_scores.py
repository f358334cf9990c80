"""Known scores: holdout rows as a caller would send them, with what the model said of them when it was evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.scoring import Score, score_of

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.ingredients import Ingredients

ROWS = 200


@dataclass(frozen=True, slots=True)
class KnownScores:
    """Request rows and the model's own score of each."""

    rows: tuple[Mapping[str, object], ...]
    scores: tuple[Score, ...]


def known_scores(spec: ModelSpec, store: ArtefactStore, ingredients: Ingredients, *, most: int = ROWS) -> KnownScores:
    """Take up to `most` rows spread evenly over the holdout and score their stored features with the stored trees."""
    from ml_platform.stages.features import read_matrix
    from ml_platform.stages.model_files import read_scorer
    from ml_platform.stages.request_rows import request_rows
    from ml_platform.stages.snapshot import read_rows

    matrix = read_matrix(store, ingredients.features)
    holdout = np.flatnonzero(matrix.part == "holdout")
    places = holdout[np.linspace(0, holdout.size - 1, min(most, holdout.size)).astype(np.int64)]
    frame = read_rows(spec, store, ingredients.snapshot).iloc[places]
    scores = read_scorer(store, ingredients.model.digest).score(matrix.values[places])
    return KnownScores(tuple(request_rows(spec, frame)), tuple(map(score_of, scores.tolist())))
