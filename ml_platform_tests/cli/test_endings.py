"""However a command ends, it ends without a stack trace and with the promised code."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ml_platform.cli.main import COMMANDS, LazyGroup, group, main
from ml_platform.core.errors import DataInvalid, PolicyInvalid, Unavailable


def ended(monkeypatch: pytest.MonkeyPatch, how: object) -> int | str | None:
    """Run a command that raises or returns `how`, and return the exit code."""

    @click.command
    def command() -> object:
        if isinstance(how, BaseException):
            raise how
        return how

    monkeypatch.setattr(LazyGroup, "get_command", lambda *_: command)
    with pytest.raises(SystemExit) as end:
        main(["check"])
    return end.value.code


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        (None, 0, ""),
        (1, 1, ""),
        (3, 3, ""),
        (KeyboardInterrupt(), 130, "Interrupted. Nothing was half-written"),
        (click.UsageError("no such month"), 2, "no such month"),
        (DataInvalid("the table is empty"), 2, "the table is empty"),
        (PolicyInvalid(["defs.yaml:3: no such gate"]), 2, "defs.yaml:3: no such gate"),
        (Unavailable("the disk is full"), 2, "the disk is full"),
        (PermissionError(13, "Permission denied", "/state"), 2, "/state: Permission denied; it has to be there"),
        (OSError("no device"), 2, "the operating system: OSError; it has to be there"),
    ],
)
def test_each_ending_has_its_code_and_its_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: object, code: int, words: str
) -> None:
    assert ended(monkeypatch, how) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "home"


def test_a_bug_of_ours_is_said_in_a_line_and_its_trace_is_for_its_owner_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, ZeroDivisionError("of 4111 1111 1111 1111")) == 70
    said = capsys.readouterr().err
    assert "This is a bug in ml-platform (ZeroDivisionError)" in said
    assert "4111" not in said
    (trace,) = (home / "crashes").iterdir()
    assert "ZeroDivisionError: of 4111" in trace.read_text()
    assert trace.stat().st_mode & 0o077 == 0
    assert str(trace) in said


@pytest.mark.parametrize(("temporary", "words"), [(True, "ml-platform-crashes"), (False, "could be written nowhere")])
def test_a_bug_is_said_even_when_its_trace_finds_no_place_beside_the_state(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], temporary: bool, words: str
) -> None:
    home.touch()
    place = home.parent / "temporary"
    if temporary:
        place.mkdir()
    else:
        place.touch()
    assert ended(monkeypatch, ZeroDivisionError()) == 70
    assert words in capsys.readouterr().err


def test_every_listed_command_is_there_and_says_what_it_does() -> None:
    context = click.Context(group)
    assert group.list_commands(context) == list(COMMANDS)
    for name in COMMANDS:
        assert CliRunner().invoke(group, [name, "--help"]).exit_code == 0


def test_a_reader_who_has_seen_enough_gets_no_stack_trace() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "ml_platform.cli", "--help"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert "Traceback" not in done.stderr
