"""Explain: how much each feature moves the scores, by SHAP contributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.learners.lightgbm_native import contributions
from ml_platform.learners.tree_text import leaf_count

if TYPE_CHECKING:
    from ml_platform.stages.scored_part import ScoredPart

# TreeSHAP's time grows with rows × leaves: about half a second of one core.
ROW_LEAVES = 3_000_000
FEWEST_ROWS, MOST_ROWS = 100, 2000


def importance(holdout: ScoredPart) -> Mapping[str, float]:
    """Return each feature's part of the mean absolute SHAP contribution, largest first; {} when nothing contributes.

    Measured on 100 to 2,000 holdout rows, fewer the larger the model. Source: Lundberg et al. 2020, From local
    explanations to global understanding with explainable AI for trees, Nature Machine Intelligence 2.
    """
    rows = holdout.spread(_row_count(holdout))
    found = contributions(rows.model_text, rows.matrix.values, threads=rows.threads)
    sizes = np.abs(found).mean(axis=tuple(range(found.ndim - 1)))
    total = float(sizes.sum())
    if not total > 0:
        return {}
    shares = {name: float(size) / total for name, size in zip(rows.matrix.names, sizes, strict=True)}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def measure_importance(holdout: ScoredPart, shares: Mapping[str, float]) -> Measurement:
    """Measure the largest feature's part of all contributions."""
    n = min(_row_count(holdout), holdout.target.size)
    if not shares:
        reason = "no feature contributes: the score is constant"
        return Measurement(metric="top_feature_share", value=None, n=n, unit="share", reason=reason)
    top = next(iter(shares))
    return Measurement(
        metric="top_feature_share",
        value=shares[top],
        n=n,
        unit="share",
        facts={"feature": top, "features": len(shares)},
    )


def _row_count(holdout: ScoredPart) -> int:
    return int(np.clip(ROW_LEAVES // leaf_count(holdout.model_text), FEWEST_ROWS, MOST_ROWS))
