"""A trial is seen when something stops the batch or warns of it; none at all is no share."""

from __future__ import annotations

from ml_platform.core.fault_trial import SEVERITIES, FaultTrial, caught_share
from ml_platform.stages.faults.fault import Severity


def trial(*caught_by: str, warned_by: tuple[str, ...] = ()) -> FaultTrial:
    return FaultTrial(
        kind="moved", meaning="larger", severity="small", size=0.05, unit="standard deviations", columns=("load",),
        rows_touched=9, caught_by=caught_by, warned_by=warned_by,
    )  # fmt: skip


def test_the_share_of_what_is_seen_and_of_what_is_stopped() -> None:
    trials = [trial("contract"), trial(), trial(), trial(warned_by=("columns_vary",))]
    assert caught_share(trials) == 0.5
    assert caught_share(trials, stopped=True) == 0.25
    assert caught_share([]) is None


def test_severities_have_one_order() -> None:
    assert tuple(Severity) == SEVERITIES
