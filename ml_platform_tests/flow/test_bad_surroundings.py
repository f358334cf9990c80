"""Bad surroundings: locked, foreign, damaged or missing state is said in words, and once it is mended, all goes on."""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.ledger import SqliteLedger
from ml_platform_tests.flow.project import MODEL, Project, project_in

PROMOTE = ("promote", MODEL, "--env", "production", "--reason", "first")
HOLD = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], isolation_level=None) as ledger:
    ledger.execute("BEGIN EXCLUSIVE")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[Project]:
    with project_in(tmp_path_factory.mktemp("surroundings"), tracking) as found:
        said = found.ask("run", MODEL)
        assert said.code == 0, said.err
        yield found


@contextlib.contextmanager
def held(ledger: Path) -> Iterator[None]:
    """Let another process hold the ledger."""
    command = [sys.executable, "-c", HOLD, str(ledger)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate()


ANOTHER_RANGE = ("weight: {type: number, range: [0, 60]", "weight: {type: number, range: [0, 61]")


@pytest.mark.parametrize(("command", "changes"), [(PROMOTE, ()), (("run", MODEL), (ANOTHER_RANGE,))])
def test_a_ledger_that_another_process_holds_is_said_to_be_held(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    changes: tuple[tuple[str, str], ...],
) -> None:
    impatient = functools.partial(SqliteLedger, busy_seconds=0.1)
    monkeypatch.setattr("ml_platform.adapters.platform.SqliteLedger", impatient)
    project.write(*changes)
    with held(project.home / "ledger.sqlite"):
        said = project.ask(*command)
    project.write()
    assert said.code == 2
    assert "ledger.sqlite: database is locked. Another process holds the ledger; wait until it has finished" in said.err
    assert project.live("production") is None


@pytest.mark.parametrize("below", ["", "state"])
def test_a_home_that_is_no_folder_is_said_to_be_in_the_way(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, below: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "file" / below))
    for command in ("show", "run"):
        said = project.ask(command, MODEL)
        assert said.code == 2
        assert "the ledger's folder has to exist or be creatable" in said.err


def test_a_run_on_records_of_another_version_is_no_crash(project: Project) -> None:
    with edited(project.home / "ledger.sqlite", "UPDATE parts SET content = json_remove(content, '$.stage')"):
        said = project.ask("run", MODEL)
    assert said.code == 2
    assert "a record is no EvidencePart as this version knows it" in said.err


def test_a_ledger_that_is_a_folder_is_said_to_be_unusable(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))
    said = project.ask("show", MODEL)
    assert said.code == 2
    assert "The ledger has to be readable and writable; check the disk, the path and its permissions" in said.err


@contextlib.contextmanager
def edited(ledger: Path, *statements: str) -> Iterator[None]:
    """Change the ledger behind everybody's back, and put it back afterwards."""
    before = ledger.read_bytes()
    with contextlib.closing(sqlite3.connect(ledger)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            connection.execute(statement)
    yield
    for leftover in ledger.parent.glob("ledger.sqlite-*"):
        leftover.unlink()
    with ledger.open("r+b") as file:  # the same file: a ledger must not be replaced while it is in use
        file.write(before)
        file.truncate()


@pytest.mark.parametrize(
    ("table", "command"),
    [
        ("parts", ("controls", MODEL)),
        ("parts", PROMOTE),
        ("releases", ("show", MODEL)),
        ("releases", PROMOTE),
        ("deployments", ("show", f"{MODEL}@staging")),
    ],
)
@pytest.mark.parametrize("change", ["json_remove(content, '$.policy_digest', '$.evidence_digest')", "'{'"])
def test_records_of_another_version_are_said_to_be_so(
    project: Project, table: str, command: tuple[str, ...], change: str
) -> None:
    with edited(project.home / "ledger.sqlite", f"UPDATE {table} SET content = {change}"):  # noqa: S608 - our own words
        said = project.ask(*command)
    assert said.code == 2
    assert "Another version of the platform wrote it, or it was edited" in said.err
    assert "ledger.sqlite: a record is no " in said.err


def test_a_record_with_a_newer_schema_is_refused(project: Project) -> None:
    newer = "UPDATE releases SET content = json_set(content, '$.schema_version', 2)"
    with edited(project.home / "ledger.sqlite", newer):
        said = project.ask("show", MODEL)
    assert said.code == 2
    assert "a ReleaseRecord has schema version 2, known: 1" in said.err


def test_a_ledger_with_a_newer_schema_is_refused(project: Project) -> None:
    with edited(project.home / "ledger.sqlite", "UPDATE schema SET version = 99"):
        said = project.ask("show", MODEL)
    assert said.code == 2
    assert "the ledger has schema version 99, known: 1 to 3. Update the platform." in said.err


def test_an_altered_model_is_found_before_it_is_deployed(project: Project) -> None:
    live = project.live("staging")
    assert live is not None
    text = project.home / "models" / live.model_digest / "model.txt"
    content = text.read_bytes()
    text.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
    said = project.ask(*PROMOTE)
    text.write_bytes(content)
    assert said.code == 1
    assert f"models/{live.model_digest}" in said.err
    assert project.live("production") is None


def test_a_broken_model_file_takes_no_other_model_down(project: Project) -> None:
    broken = project.folder / "defs" / "broken" / "defs.yaml"
    broken.parent.mkdir()
    broken.write_text("type: ml_platform.GovernedModel\nattributes:\n  model: broken\n  purpos: none\n")
    checked = project.ask("check")
    assert checked.code == 2
    assert "✗ broken: broken" in checked.out
    assert "Did you mean 'purpose'?" in checked.out
    assert "✓ parcels: minimal risk" in checked.out
    refused = project.ask("run", "broken")
    assert refused.code == 2
    assert "defs.yaml:4" in refused.err
    whole = project.ask("run", MODEL)
    assert whole.code == 0, whole.err
    broken.unlink()
    broken.parent.rmdir()


def test_a_name_that_nobody_knows_is_said_with_its_neighbour(project: Project) -> None:
    for command in (("run", "parcel"), ("show", "parcel"), ("serve", "parcel")):
        said = project.ask(*command)
        assert said.code == 2
        assert "Did you mean 'parcels'?" in said.err
    assert project.ask("promote", MODEL, "--env", "produktion", "--reason", "x").code == 2


def test_after_all_of_it_the_history_is_whole_and_the_version_goes_live(project: Project) -> None:
    assert project.ask("audit", "verify").code == 0
    promoted = project.ask(*PROMOTE)
    assert promoted.code == 0, promoted.err
    manifest = json.loads((project.home / "deployments" / "production" / f"{MODEL}.json").read_text())
    live = project.live("production")
    assert live is not None
    assert manifest["model_digest"] == live.model_digest
