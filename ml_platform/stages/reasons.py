"""Reasons: which features moved a row's score most towards its decision, by exact SHAP contributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.explained import Explained, Reason
from ml_platform.core.scoring import score_of
from ml_platform.learners.lightgbm_native import RawScores, predict, raw_scores
from ml_platform.learners.tree_text import raw_unit
from ml_platform.policy.spec import BINARY_CLASSES

if TYPE_CHECKING:
    from ml_platform.stages.scored_part import ScoredPart
    from ml_platform.stages.shown_values import ShownValues

MOST = 4
# By how much average and contributions may miss the raw score, as a part of it, or of 1 when it is smaller.
ROUNDING = 1e-9

Floats = NDArray[np.float64]


def reasons(
    rows: ScoredPart, shown: ShownValues, *, classes: Sequence[str] = (), most: int = MOST, first: int = 1
) -> tuple[Explained, ...]:
    """Return each row's score with up to `most` features that moved it most towards its decision.

    Towards the decision of two classes, towards the likeliest of several (`classes`, in the order of their scores);
    a number's reasons are the largest in either direction. Rows are numbered from `first` on. Raises DataInvalid when
    contributions and average don't add up to the raw score: then they explain nothing. Source: Lundberg, Erion and
    Lee 2018, Consistent Individualized Feature Attribution for Tree Ensembles.
    """
    if not len(rows.score):
        return ()
    found = raw_scores(rows.model_text, rows.matrix.values, threads=rows.threads)
    _require_sums(found)
    before = predict(rows.model_text, rows.matrix.values, threads=rows.threads)
    unit, method = raw_unit(rows.model_text), rows.scorer.calibration.method if rows.scorer.calibration else ""
    told = []
    for place, score in enumerate(rows.score):
        decision, meant, sign = _decided(rows, score, classes)
        moved = found.contributions[place][meant]
        chosen = _strongest(moved, sign, most)
        listed = float(moved[chosen].sum())
        told.append(
            Explained(
                row=first + place,
                score=score_of(score.tolist()),
                decision=decision,
                average=float(found.average[place][meant]),
                raw=float(found.raw[place][meant]),
                unit=unit,
                reasons=tuple(_reason(rows, shown, place, at, float(moved[at])) for at in chosen),
                others=float(moved.sum()) - listed,
                features_left=moved.size - len(chosen),
                uncalibrated=float(before[place][meant]),
                calibration=method,
                threshold=rows.threshold if decision and not meant else None,
            )
        )
    return tuple(told)


def _decided(rows: ScoredPart, score: Floats, classes: Sequence[str]) -> tuple[str, tuple[int, ...], int]:
    """Return the decision, the place of its contributions in a row's, and which sign leads to it (0: either)."""
    if score.ndim:
        code = int(score.argmax())
        return classes[code] if classes else str(code), (code,), 1
    if rows.threshold is None:
        return "", (), 0
    positive = bool(score >= rows.threshold)
    return BINARY_CLASSES[positive], (), 1 if positive else -1


def _strongest(moved: Floats, sign: int, most: int) -> list[int]:
    """Return the places of the largest contributions of a sign, largest first; of equal ones the earlier."""
    towards = moved * sign if sign else np.abs(moved)
    order = np.argsort(-towards, kind="stable")[:most]
    return [int(at) for at in order if towards[at] > 0]


def _reason(rows: ScoredPart, shown: ShownValues, place: int, at: int, contribution: float) -> Reason:
    name, value = rows.matrix.names[at], float(rows.matrix.values[place, at])
    known = name in shown.hidden or not np.isnan(value)  # that a person's value is missing says something of them
    return Reason(feature=name, value=shown.text(name, value), contribution=contribution, known=known)


def _require_sums(found: RawScores) -> None:
    missed = np.abs(found.average + found.contributions.sum(axis=-1) - found.raw)
    wrong = ~(missed <= ROUNDING * np.maximum(1.0, np.abs(found.raw)))
    if wrong.any():
        rows = int(np.count_nonzero(wrong if wrong.ndim == 1 else wrong.any(axis=1)))
        message = (
            f"explanations: the contributions of {rows:,} of {len(wrong):,} rows miss the raw score by up to "
            f"{np.nanmax(missed):.3g}; they have to add up to it (to {ROUNDING:g}); train the model again, with "
            "parameters that LightGBM can explain"
        )
        raise DataInvalid(message)
