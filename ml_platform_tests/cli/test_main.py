"""The command line says what is wrong and what to do, with the exit code that was promised."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import write_model
from ml_platform_tests.policy.files import MODEL


def test_help_lists_the_commands_without_importing_them() -> None:
    probe = (
        "import sys; from ml_platform.cli.main import main\ntry: main(['--help'])\nfinally: print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "promote" in done.stdout
    assert "'pandas'" not in done.stdout
    assert "'dagster'" not in done.stdout


def test_check_says_every_problem_of_a_broken_file_and_still_checks_the_others(run: Run, defs: Path) -> None:
    assert run("check").code == 0
    write_model(
        defs, "early", MODEL.replace("model: late", "model: early").replace("risk_class: limited", "risk_clas: x")
    )
    found = run("check")
    assert found.code == 2
    assert "✗ early: broken" in found.out
    assert "Did you mean 'risk_class'?" in found.out
    assert "✓ late: limited risk" in found.out


def test_check_says_that_nobody_can_be_forgotten_without_an_entity(run: Run, defs: Path) -> None:
    assert "forgotten" not in run("check").out
    direct = "mail: {type: category, role: not_used, reason: Not needed., personal_data: direct}\n    "
    text = MODEL.replace("weight:", f"{direct}weight:", 1)
    assert "role: entity" in text
    write_model(defs, text=text)
    assert "forgotten" not in run("check").out
    write_model(defs, text=text.replace("role: entity", "role: not_used, reason: Not needed.", 1))
    found = run("check")
    assert "! mail names a person, and no column has the role entity: nobody can be forgotten" in found.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "lat"], "Did you mean 'late'?"),
        (["controls", "nobody"], "there is no model 'nobody'; known: late"),
        (["show", "late"], "there is no such version; known: none"),
        (["show", "late@production"], "nothing is live there"),
        (["show", "late/x"], "is no version number"),
        (["promote", "late", "--env", "produktion", "--reason", "x"], "'produktion' is not one of"),
        (["promote", "late", "--env", "staging", "--reason", "x", "--by", " "], "nobody is named"),
        (["serve", "lat", "--env", "production"], "Did you mean 'late'?"),
        (["serve", "late", "--env", "prod"], "Did you mean 'production'?"),
        (["replay", "late", "--from", "2013-06", "--to", "2013-13"], "a month is written like 2013-06"),
        (["replay", "late", "--from", "2013-07", "--to", "2013-06"], "swap them"),
        (["nothing"], "No such command"),
    ],
)
def test_wrong_input_is_explained_and_ends_with_2(run: Run, arguments: list[str], words: str) -> None:
    said = run(*arguments)
    assert said.code == 2
    assert words in said.err


def test_an_empty_folder_of_models_is_explained(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("ML_PLATFORM_DEFS", str(tmp_path / "empty"))
    said = run("check")
    assert said.code == 2
    assert "holds no model" in said.err


def test_a_ledger_that_is_no_database_is_explained(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "ledger.sqlite").write_text("not a database, certainly not one")
    said = run("show", "late")
    assert said.code == 2
    assert "ledger.sqlite" in said.err
