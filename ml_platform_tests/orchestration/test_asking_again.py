"""A run that broke is asked for again, three times at most; a closed gate is an answer; a key is used once."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from ml_platform.orchestration.asking_again import CAUSE_TAG, Again, Ended, failed_partitions, next_try
from ml_platform.orchestration.hand_on import failed

JOB = "parcels_monitor"
BROKEN = RuntimeError("the disk is gone")


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(instance: dg.DagsterInstance, cause: str | None, error: Exception | None, window: str = "2025-09") -> None:
    @dg.op
    def work() -> None:
        if error is not None:
            raise error

    @dg.job(name=JOB)
    def job() -> None:
        work()

    tags = {"dagster/partition": window, **({CAUSE_TAG: cause} if cause else {})}
    job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def test_a_run_that_broke_is_tried_again_until_it_broke_three_times(instance: dg.DagsterInstance) -> None:
    assert next_try(instance, JOB, "broke") is None
    run(instance, "broke", BROKEN)
    second = next_try(instance, JOB, "broke")
    assert isinstance(second, Again)
    assert second.key == "broke#2"
    assert "try 2 of 3" in second.text
    assert next_try(instance, JOB, "broke") == second
    run(instance, "broke", BROKEN)
    third = next_try(instance, JOB, "broke")
    assert isinstance(third, Again)
    assert third.key == "broke#3"
    assert failed_partitions(instance, JOB)["2025-09"] == "broke"
    run(instance, "broke", BROKEN)
    ended = next_try(instance, JOB, "broke")
    assert isinstance(ended, Ended)
    assert "3 runs came to nothing" in ended.text
    assert not ended.answered


def test_once_it_worked_nothing_is_asked_for(instance: dg.DagsterInstance) -> None:
    run(instance, "worked", BROKEN, "2025-10")
    run(instance, "worked", None, "2025-10")
    assert next_try(instance, JOB, "worked") is None
    assert "2025-10" not in failed_partitions(instance, JOB)


@pytest.mark.parametrize(("exit_code", "answered"), [(1, True), (2, False)])
def test_a_closed_gate_is_an_answer_and_an_explained_accident_is_none(
    instance: dg.DagsterInstance, exit_code: int, *, answered: bool
) -> None:
    cause = f"exit {exit_code}"
    run(instance, cause, failed("ALARM at monitoring", exit_code), f"2025-1{exit_code}")
    found = next_try(instance, JOB, cause)
    assert isinstance(found, Ended if answered else Again)
    assert "refused" in found.text or not answered


def test_what_a_person_launched_has_no_cause_and_is_theirs(instance: dg.DagsterInstance) -> None:
    run(instance, None, BROKEN, "2026-01")
    assert "2026-01" not in failed_partitions(instance, JOB)
