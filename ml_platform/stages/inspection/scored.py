"""Scored: rows of the reference that no model learned from and rows of the batch, compared by a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.tables import count_of
from ml_platform.stats.ordered_shift import ordered_shift
from ml_platform.stats.shift import Shift

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables

Floats = NDArray[np.float64]


def held_against_batch(kind: str, columns: tuple[str, ...], scores: Sequence[Floats], tables: Tables) -> Evidence:
    """Return the strongest evidence of several scores, shape (held rows + batch rows,); NaN rows are left out."""
    return strongest(kind, columns, [shift_of(score, tables.held.size) for score in scores], tables)


def strongest(kind: str, columns: tuple[str, ...], found: Sequence[Shift], tables: Tables) -> Evidence:
    """Return the strongest of several shifts as evidence that pays for all of them."""
    best = min(found, key=lambda one: one.p_value)
    p = min(1.0, len(found) * best.p_value)
    return Evidence(kind=kind, columns=columns, effect=abs(best.excess), p_value=p, n=tables.batch_rows)


def shift_of(scores: Floats, reference_rows: int) -> Shift:
    """Compare the scores of the first `reference_rows` rows with those of the others."""
    present = ~np.isnan(scores)
    _, codes = np.unique(scores[present], return_inverse=True)
    size = int(codes.max(initial=-1)) + 1
    return ordered_shift(count_of(codes, size), count_of(codes[int(present[:reference_rows].sum()) :], size))
