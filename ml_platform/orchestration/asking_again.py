"""Asking again: a run that came to nothing is requested anew for the same cause, so many times and no more.

A key of a run is that of its cause, so that Dagster starts no second one however often it is asked, before and after a
restart. A run that was killed, or broke, would end its cause for good: its next try has a key of its own. A closed gate
is an answer and no accident; it is not tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.errors import NotEnoughEvidence
from ml_platform.orchestration.hand_on import EXIT_CODE, REFUSED

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

CAUSE_TAG = "ml_platform/cause"
PARTITION_TAG = "dagster/partition"
MOST_TRIES = 3
NEWEST = 48
ANSWERS = frozenset({REFUSED, NotEnoughEvidence.exit_code})


@dataclass(frozen=True, slots=True)
class Again:
    """Ask for it once more under this key; `text` says why."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more is asked for; `text` says why. `answered`: because of a closed gate."""

    text: str
    answered: bool = False


def next_try(instance: DagsterInstance, job: str, cause: str) -> Again | Ended | None:
    """Return whether a cause is asked for again; None when no run of it failed, or one is at work."""
    runs = _of(instance, job, {CAUSE_TAG: cause}, MOST_TRIES)
    if not runs or runs[0].status is not dg.DagsterRunStatus.FAILURE:
        return None
    run = f"run {runs[0].run_id[:8]}"
    if _is_answer(instance, runs[0]):
        return Ended(f"{run} was refused: read it, repair what it names, then launch {job}", answered=True)
    if len(runs) >= MOST_TRIES:
        return Ended(f"{MOST_TRIES} runs came to nothing, {run} last: read its log, then launch {job}")
    return Again(f"{cause}#{len(runs) + 1}", f"try {len(runs) + 1} of {MOST_TRIES}: {run} came to nothing")


def failed_partitions(instance: DagsterInstance, job: str) -> dict[str, str]:
    """Return the cause by partition where the newest run that had one failed, of the job's newest 48 runs."""
    newest: dict[str, DagsterRun] = {}
    for run in _of(instance, job, {}, NEWEST):
        if PARTITION_TAG in run.tags:
            newest.setdefault(run.tags[PARTITION_TAG], run)
    return {
        name: run.tags[CAUSE_TAG]
        for name, run in newest.items()
        if CAUSE_TAG in run.tags and run.status is dg.DagsterRunStatus.FAILURE
    }


def _of(instance: DagsterInstance, job: str, tags: dict[str, str], most: int) -> Sequence[DagsterRun]:
    return instance.get_runs(filters=dg.RunsFilter(job_name=job, tags=tags), limit=most)


def _is_answer(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Say whether a run failed because of a gate."""
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        said = entry.get_dagster_event().step_failure_data.user_failure_data
        code = (said.metadata or {}).get(EXIT_CODE) if said else None
        if code is not None and code.value in ANSWERS:
            return True
    return False
