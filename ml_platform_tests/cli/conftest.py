"""Fixtures of the command-line tests: a home of their own and a way to run commands as a person does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ml_platform.cli.main import main
from ml_platform_tests.cli.home import write_model


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


def runner(capture: pytest.CaptureFixture[str]) -> Run:
    """Return a way to run commands as a person does; none may show a stack trace."""

    def command(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        said = capture.readouterr()
        assert "Traceback" not in said.err + said.out
        code = end.value.code
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    return command


@pytest.fixture
def defs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracking: str) -> Path:
    folder = tmp_path / "defs"
    write_model(folder)
    monkeypatch.setenv("ML_PLATFORM_DEFS", str(folder))
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_PLATFORM_ACTOR", "bob")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
    return folder


@pytest.fixture
def run(defs: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)
