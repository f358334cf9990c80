"""Live slices: how the live version does within each level of a category and each group of people in a window."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import PersonalData, Role
from ml_platform.stages.column_cells import MISSING, as_text
from ml_platform.stages.group_gaps import Treated, measure_gaps
from ml_platform.stages.row_losses import row_losses
from ml_platform.stages.slices import MOST_LEVELS, pool_small
from ml_platform.stats.loss_excess import loss_excess

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.reference import Reference

Floats = NDArray[np.float64]
Names = NDArray[np.object_]
GAPS = {
    "group_auc_gap": "live_group_auc_gap",
    "group_accuracy_gap": "live_group_accuracy_gap",
    "group_loss_gap": "live_group_loss_gap",
    "selection_rate_ratio": "live_selection_rate_ratio",
}


def measure_live_slices(
    spec: ModelSpec, rows: pd.DataFrame, label: Floats, score: Floats, reference: Reference
) -> Iterator[Measurement]:
    """Measure the mean loss of each slice against all others, and each group against its reference group.

    `rows` are those of the window whose outcome is known, `label` their codes, shape (n,), `score` shape (n, scores).
    Slices of fewer than 200 rows are pooled. The intervals of all slices hold together, so do those of all groups.
    """
    single = score[:, 0] if score.shape[1] == 1 else score
    losses = row_losses(spec.learner, label, single)
    found = [(name, value, cut == value) for name, cut in _cuts(spec, rows) for value in sorted(set(cut.tolist()))]
    each = 1 - 0.05 / max(len(found), 1)
    for name, value, inside in found:
        one = loss_excess(losses, inside, confidence=each, subject=f"{name}={value}")
        yield dataclasses.replace(one, metric="live_slice_loss", facts={**one.facts, "slices": len(found)})
    threshold = 0.5 if reference.threshold is None else reference.threshold
    decision = single.argmax(axis=1) if single.ndim > 1 else single >= threshold
    treated = Treated(
        task=spec.learner.task, true=label, score=single,
        decision=decision if spec.learner.task in {"binary", "multiclass"} else single,
        losses=losses, classes=reference.classes, entity=None,
    )  # fmt: skip
    yield from _gaps(spec, rows, treated)


def _cuts(spec: ModelSpec, rows: pd.DataFrame) -> Iterator[tuple[str, Names]]:
    """Yield each category whose levels may be shown, with the level of each row; those with many levels aren't cut."""
    for name in spec.inputs:
        column, group = spec.contract[name], name in spec.columns(Role.GROUP)
        if column.type != "category" or f"input_{name}" not in rows:
            continue
        if column.personal_data is not PersonalData.NONE and not (group or column.levels):
            continue
        cut = _levels(rows[f"input_{name}"])
        if len(set(cut.tolist())) <= MOST_LEVELS and len(set((pooled := pool_small(cut)).tolist())) > 1:
            yield name, pooled


def _levels(column: pd.Series[float]) -> Names:
    found: Names = as_text(column).astype(object).where(column.notna(), MISSING).to_numpy()
    return found


def _gaps(spec: ModelSpec, rows: pd.DataFrame, treated: Treated) -> Iterator[Measurement]:
    wanted = spec.columns(Role.GROUP)
    attributes = {name: _levels(rows[f"input_{name}"]) for name in wanted if f"input_{name}" in rows}
    for name in wanted:
        if name not in attributes:
            reason = "requests don't carry this column, so that its groups aren't known"
            yield Measurement(metric="live_group_loss_gap", subject=name, value=None, n=len(rows), reason=reason)
    for one in measure_gaps(treated, attributes) if attributes else ():
        if one.metric in GAPS:
            yield dataclasses.replace(one, metric=GAPS[one.metric])
