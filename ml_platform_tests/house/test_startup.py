"""What each Python of a `.venv` does when it starts, tried in a virtual environment of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STARTUP = ROOT / "tools" / "startup.py"
SAY = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a folder like the repository's, as the set-up leaves it."""
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / "dagster.yaml").touch()
    venv.create(root / ".venv", symlinks=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(root / ".venv")}))
    shutil.copy(STARTUP, packages / "_ml_platform_startup.py")
    (packages / "_ml_platform_startup.pth").write_text("import _ml_platform_startup\n")
    return root


def environment(root: Path, folder: Path, code: str = SAY, **preset: str) -> Mapping[str, str]:
    """Start a Python in `folder` with nothing but `preset` in its environment, and return what it then finds there."""
    command = [str(root / ".venv" / "bin" / "python"), "-c", code]
    done = subprocess.run(command, cwd=folder, env=preset, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("folder", ["", "docs"])
def test_in_the_repository_dagster_is_at_home_and_nobody_is_tracked(root: Path, folder: str) -> None:
    found = environment(root, root / folder)
    assert found["DAGSTER_HOME"] == str(root)
    assert found["DAGSTER_DISABLE_TELEMETRY"] == "yes"
    assert found["DO_NOT_TRACK"] == "1"
    assert found["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert found["MPLCONFIGDIR"] == f"{root}/.cache/matplotlib"


def test_what_a_person_has_set_is_kept(root: Path) -> None:
    found = environment(root, root, DAGSTER_HOME="/elsewhere", DO_NOT_TRACK="0")
    assert (found["DAGSTER_HOME"], found["DO_NOT_TRACK"]) == ("/elsewhere", "0")


def test_outside_of_the_repository_dagsters_home_is_left_alone(root: Path, tmp_path: Path) -> None:
    (tmp_path / "rooted").mkdir()  # begins with the same letters, and is another folder
    found = environment(root, tmp_path / "rooted")
    assert "DAGSTER_HOME" not in found
    assert found["DAGSTER_DISABLE_TELEMETRY"] == "yes"


def test_without_dagster_yaml_nothing_is_said(root: Path) -> None:
    (root / "dagster.yaml").unlink()
    assert not {"DAGSTER_HOME", "DO_NOT_TRACK"} & environment(root, root).keys()


def test_a_python_starts_even_in_a_folder_that_is_gone(root: Path) -> None:
    python = root / ".venv" / "bin" / "python"
    inner = f"import subprocess; print(subprocess.run([{str(python)!r}, '-c', {SAY!r}], check=True, text=True).stdout)"
    leave = f"import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); sys.stdout.flush(); {inner}"
    done = subprocess.run([sys.executable, "-c", leave], cwd=root, env={}, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "DAGSTER_HOME" not in json.loads(done.stdout.splitlines()[0])


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="only the set-up's own .venv reads tools/startup.py")
@pytest.mark.parametrize("command", ["dg list components", "dagster run list"])
def test_a_bare_command_finds_its_home_and_leaves_the_users_alone(tmp_path: Path, command: str) -> None:
    tool, *arguments = command.split()
    plain = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    bare = [str(ROOT / ".venv" / "bin" / tool), *arguments]
    done = subprocess.run(bare, cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # `dagster run list` refuses without DAGSTER_HOME
    assert list(tmp_path.iterdir()) == []
