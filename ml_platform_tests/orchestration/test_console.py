from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.orchestration.console import CONFIG, console

if TYPE_CHECKING:
    import pytest


@dg.op
def speaking() -> None:
    dg.OpExecutionContext.get().log.info("spoken")


@dg.op
def explained() -> None:
    raise dg.Failure(description="parcels: REFUSED at evaluation\n  because")


@dg.op
def surprised() -> None:
    message = "a bug"
    raise RuntimeError(message)


def _said(op: dg.OpDefinition, capsys: pytest.CaptureFixture[str]) -> str:
    job = dg.GraphDefinition(name="small", node_defs=[op]).to_job(logger_defs={"console": console}, config=CONFIG)
    with dg.instance_for_test() as instance:
        job.execute_in_process(instance=instance, raise_on_error=False)
    return capsys.readouterr().err


def test_what_a_step_says_is_shown_without_the_engines_words(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _said(speaking, capsys).splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("speaking: spoken")


def test_an_explained_failure_is_told_once_and_without_a_stack_trace(capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(explained, capsys)
    assert said.count("  because") == 1
    assert "the run failed. parcels: REFUSED at evaluation" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert "File " not in said


def test_a_surprise_keeps_its_stack_trace(capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(surprised, capsys)
    assert "RuntimeError: a bug" in said
    assert "test_console.py" in said
