"""Explain: how much each feature moves the scores, by SHAP contributions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.learners.lightgbm_native import contributions
from ml_platform.learners.tree_text import leaf_count
from ml_platform.stages.scored_part import ScoredPart
from ml_platform.stats.feature_share import feature_share

# TreeSHAP's time grows with rows × leaves: about half a second of one core.
ROW_LEAVES = 3_000_000
FEWEST_ROWS, MOST_ROWS = 100, 2000

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How far each feature moves the scores of explained rows: sizes of shape (n, k), over all classes together."""

    rows: ScoredPart
    sizes: Floats

    @property
    def shares(self) -> Mapping[str, float]:
        """Return each feature's part of all explanations, largest first; {} when nothing contributes."""
        means = self.sizes.mean(axis=0)
        total = float(means.sum())
        if not total > 0:
            return {}
        named = {name: float(mean) / total for name, mean in zip(self.rows.matrix.names, means, strict=True)}
        return dict(sorted(named.items(), key=lambda item: -item[1]))


def explain(holdout: ScoredPart) -> Moves:
    """Explain 100 to 2,000 holdout rows, spread evenly; fewer the larger the model.

    Source: Lundberg et al. 2020, From local explanations to global understanding with explainable AI for trees, Nature
    Machine Intelligence 2.
    """
    rows = holdout.spread(row_count(holdout))
    return Moves(rows=rows, sizes=sizes_of(contributions(rows.model_text, rows.matrix.values, threads=rows.threads)))


def sizes_of(found: Floats) -> Floats:
    """Return how far features move rows, shape (n, k), from contributions (n, k) or, to each class, (n, K, k)."""
    sizes: Floats = np.abs(found)
    return sizes if sizes.ndim == 2 else sizes.sum(axis=1)


def measure_importance(moves: Moves) -> Iterator[Measurement]:
    """Measure the largest feature's part of all contributions, then each feature's with its interval, largest first."""
    shares, rows = moves.shares, moves.rows
    top = next(iter(shares), "")
    totals = moves.sizes.sum(axis=1)
    places = {name: place for place, name in enumerate(rows.matrix.names)}
    found = [
        feature_share(moves.sizes[:, places[name]], totals, entity=rows.entity, subject=name)
        for name in shares or places
    ]
    if top:
        facts: dict[str, Fact] = {**found[0].facts, "feature": top, "features": len(shares)}
        yield dataclasses.replace(found[0], metric="top_feature_share", subject="", facts=facts)
    else:
        reason = "no feature contributes: the score is constant"
        yield Measurement(metric="top_feature_share", value=None, n=len(moves.sizes), unit="share", reason=reason)
    yield from found


def row_count(holdout: ScoredPart) -> int:
    """Return how many rows of a model of this size are explained."""
    return int(np.clip(ROW_LEAVES // leaf_count(holdout.model_text), FEWEST_ROWS, MOST_ROWS))
