"""Inspecting: the batch inspection as the trials of faults ask it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.faults.trials import Inspect


def inspecting(_spec: ModelSpec) -> Inspect:
    """Return what names the findings on a batch."""

    def inspect(_reference: pd.DataFrame, _batch: pd.DataFrame, /) -> Sequence[str]:
        return ()

    return inspect
