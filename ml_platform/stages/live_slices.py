"""Live slices: how the live version does within each level of a category and each group of people in a window."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import PersonalData, Role
from ml_platform.stages.column_cells import MISSING, coded
from ml_platform.stages.group_gaps import Treated, measure_gaps
from ml_platform.stages.row_losses import row_losses
from ml_platform.stages.slices import MOST_LEVELS, SMALLEST_SLICE
from ml_platform.stats.loss_by_level import loss_by_level

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.reference import Reference

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
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
    cuts = list(_cuts(spec, rows))
    slices = sum(len(names) for _, _, names in cuts)
    for column, codes, names in cuts:
        for one in loss_by_level(losses, codes, names, confidence=1 - 0.05 / slices):
            subject, facts = f"{column}={one.subject}", {**one.facts, "slices": slices}
            yield dataclasses.replace(one, metric="live_slice_loss", subject=subject, facts=facts)
    threshold = 0.5 if reference.threshold is None else reference.threshold
    decision = single.argmax(axis=1) if single.ndim > 1 else single >= threshold
    treated = Treated(
        task=spec.learner.task, true=label, score=single,
        decision=decision if spec.learner.task in {"binary", "multiclass"} else single,
        losses=losses, classes=reference.classes, entity=None,
    )  # fmt: skip
    yield from _gaps(spec, rows, treated)


def _cuts(spec: ModelSpec, rows: pd.DataFrame) -> Iterator[tuple[str, Codes, list[str]]]:
    """Yield each category whose levels may be shown: its name, the slice of each row, the slices' names."""
    for name in spec.inputs:
        column, group = spec.contract[name], name in spec.columns(Role.GROUP)
        if column.type != "category" or f"input_{name}" not in rows:
            continue
        if column.personal_data is PersonalData.NONE or group or column.levels:
            codes, names = _pooled(rows[f"input_{name}"])
            if 1 < len(names) <= MOST_LEVELS:
                yield name, codes, names


def _pooled(column: pd.Series[Any]) -> tuple[Codes, list[str]]:
    """Return the level of each row by its place among names; levels of fewer than 200 rows are one, of 200 or more."""
    codes, texts = coded(column)
    names = [*texts, MISSING]
    counts = np.bincount(codes, minlength=len(names))
    order = np.argsort(counts, kind="stable")
    small = int((counts < SMALLEST_SLICE).sum())
    if counts[order[:small]].any():
        enough = int(np.searchsorted(np.cumsum(counts[order]), SMALLEST_SLICE)) + 1
        small = min(max(small, enough), len(names))
    kept = sorted(order[small:].tolist())
    place = np.full(len(names), len(kept))
    place[kept] = np.arange(len(kept))
    pooled = [f"the {int((counts[order[:small]] > 0).sum())} smallest"] if counts[order[:small]].any() else []
    return place[codes].astype(np.intp), [*(names[one] for one in kept), *pooled]


def _gaps(spec: ModelSpec, rows: pd.DataFrame, treated: Treated) -> Iterator[Measurement]:
    wanted = spec.columns(Role.GROUP)
    attributes = {name: _texts(rows[f"input_{name}"]) for name in wanted if f"input_{name}" in rows}
    for name in wanted:
        if name not in attributes:
            reason = "requests don't carry this column, so that its groups aren't known"
            yield Measurement(metric="live_group_loss_gap", subject=name, value=None, n=len(rows), reason=reason)
    for one in measure_gaps(treated, attributes) if attributes else ():
        if one.metric in GAPS:
            yield dataclasses.replace(one, metric=GAPS[one.metric])


def _texts(column: pd.Series[Any]) -> NDArray[np.object_]:
    codes, texts = coded(column)
    found: NDArray[np.object_] = np.array([*texts, MISSING], dtype=object)[codes]
    return found
