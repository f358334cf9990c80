"""A trial is caught when something would have stopped the batch; none at all is no share."""

from __future__ import annotations

from ml_platform.core.fault_trial import SEVERITIES, FaultTrial, caught_share
from ml_platform.stages.faults.fault import Severity


def trial(*caught_by: str) -> FaultTrial:
    return FaultTrial(
        kind="moved", meaning="larger", severity="small", size=0.05, unit="standard deviations", columns=("load",),
        rows_touched=9, caught_by=caught_by,
    )  # fmt: skip


def test_the_share_of_the_caught() -> None:
    assert caught_share((trial("contract"), trial(), trial(), trial("inspection: levels"))) == 0.5
    assert caught_share(()) is None


def test_severities_have_one_order() -> None:
    assert tuple(Severity) == SEVERITIES
