"""Inspecting: the batch inspection as the trials of faults ask it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml_platform.stages.inspection.inspect import inspect_batch

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.faults.trials import Inspect


def inspecting(spec: ModelSpec) -> Inspect:
    """Return what names the findings on a batch: each kind once."""

    def inspect(reference: pd.DataFrame, batch: pd.DataFrame, /) -> Sequence[str]:
        both = spec.target in reference.columns and spec.target in batch.columns
        found = inspect_batch(reference, batch, target=spec.target if both else None)
        return tuple(dict.fromkeys(finding.kind for finding in found.findings))

    return inspect
