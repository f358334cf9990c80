"""Threshold: the score from which a decision is positive, chosen on calibration rows and never on the holdout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A decision is positive when score ≥ `value`; `rule` says how the value was found on `n` rows."""

    value: float
    rule: str
    selected_share: float
    n: int


def choose_threshold(score: Floats, target: Floats, *, selected_share: float | None = None) -> Threshold:
    """Return the threshold that selects a share of the rows or, without a share, the one with the largest Youden index.

    `score` (finite) and `target` (0/1) have the shape (n,). Rows of equal score are decided alike, so a little more
    than the share may be selected. Raises DataInvalid without rows and, without a share, for one class. Source: Youden
    1950, Index for rating diagnostic tests.
    """
    if score.size == 0:
        raise DataInvalid(f"calibration rows: there are none; a threshold needs some; {_NEXT_STEP}")
    value = _largest_youden(score, target) if selected_share is None else _top(score, selected_share)
    rule = "largest Youden index" if selected_share is None else f"highest {selected_share:.4g} of the scores"
    chosen = float((score >= value).mean())
    return Threshold(value=value, rule=f"{rule} on the calibration rows", selected_share=chosen, n=score.size)


_NEXT_STEP = "give the split a larger calibration part or set deployment.selected_share"


def _top(score: Floats, share: float) -> float:
    rank = min(max(round(share * score.size), 1), score.size)
    return float(np.partition(score, score.size - rank)[score.size - rank])


def _largest_youden(score: Floats, target: Floats) -> float:
    positives = float(target.sum())
    if not 0 < positives < target.size:
        seen = f"all {target.size:,} outcomes are of one class"
        raise DataInvalid(f"calibration rows: {seen}; a threshold needs both; {_NEXT_STEP}")
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], target[order]
    index = np.cumsum(hits) / positives - np.cumsum(1 - hits) / (target.size - positives)
    last_of_equals = np.append(ranked[1:] != ranked[:-1], True)
    return float(ranked[last_of_equals][np.argmax(index[last_of_equals])])
