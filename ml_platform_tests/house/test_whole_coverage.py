"""`--cov-whole`: tried on a small project, as a person would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
def sign(number):
    if number < 0:
        return -1
    return 1
"""
ONE_SIDE = "from pack.sign import sign\n\ndef test_sign():\n    assert sign(3) == 1\n"
TWO_WORKERS = f"{ONE_SIDE}\ndef test_other_sign():\n    assert sign(-3) == -1\n"
BOTH_SIDES = f"{ONE_SIDE}    assert sign(-3) == -1\n"


def run(folder: Path, test: str, *options: str) -> tuple[int, list[str]]:
    (folder / "pack").mkdir()
    (folder / "pack" / "__init__.py").touch()
    (folder / "pack" / "sign.py").write_text(MODULE)
    (folder / "test_sign.py").write_text(test)
    (folder / "pyproject.toml").write_text('[tool.coverage.run]\nbranch = true\nsource = ["pack"]\n')
    plugin = [f"-p{name}" for name in ("pytest_cov", "xdist", "ml_platform_tests.house.whole_coverage")]
    command = [sys.executable, "-m", "pytest", "--rootdir=.", *plugin, *options]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_", "PYTEST_"))}
    plain["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # hypothesis' imports cost more than all the rest here
    done = subprocess.run(command, cwd=folder, env=plain, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_a_folder_reached_completely_passes(tmp_path: Path) -> None:
    code, lines = run(tmp_path, BOTH_SIDES, "--cov", "--cov-whole=pack")
    assert code == 0
    assert "Every line and branch was reached in pack." in lines
    assert lines[-1].startswith("====")


def test_a_line_not_reached_fails_the_run_and_is_named_before_the_last_line(tmp_path: Path) -> None:
    code, lines = run(tmp_path, ONE_SIDE, "--cov", "--cov-whole=pack")
    assert code == 1
    assert any("not everything was reached in pack" in line for line in lines)
    assert any(line.startswith("pack/sign.py") and line.split()[-1] == "4" for line in lines)
    assert "1 passed" in lines[-1]


def test_workers_are_judged_together_and_not_one_by_one(tmp_path: Path) -> None:
    code, lines = run(tmp_path, TWO_WORKERS, "--cov", "--cov-whole=pack", "-n2")
    assert code == 0, lines
    assert "Every line and branch was reached in pack." in lines


@pytest.mark.parametrize("options", [("--cov-whole=pack",), ("--cov", "--cov-whole=elsewhere")])
def test_nothing_measured_is_not_everything_reached(tmp_path: Path, options: tuple[str, ...]) -> None:
    code, lines = run(tmp_path, BOTH_SIDES, *options)
    assert code == 1
    assert any("no coverage was measured" in line for line in lines)


def test_without_the_option_nothing_is_said(tmp_path: Path) -> None:
    code, lines = run(tmp_path, ONE_SIDE)
    assert code == 0
    assert not any("reached" in line for line in lines)
