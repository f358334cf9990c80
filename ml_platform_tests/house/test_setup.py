"""The set-up stops early, and says what is missing and which command brings it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REAL = f'exec "{sys.executable}" "$@"\n'


def set_up(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up in a folder of its own with `python`, a shell script that stands in for Python."""
    (folder / "tools").mkdir(exist_ok=True)
    shutil.copy(ROOT / "tools" / "setup", folder / "tools")
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{python}")
    script.chmod(0o755)
    command = [folder / "tools" / "setup"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(script)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


VENV = """\
case "$*" in
*"-m venv"*)
    mkdir -p .venv/bin
    printf '#!/bin/sh\\necho "$PWD/site"\\n' >.venv/bin/python
    printf '#!/bin/sh\\necho "$*" >>uv-said\\n' >.venv/bin/uv
    chmod +x .venv/bin/*
    mkdir site ;;
esac
"""


def test_each_step_is_said_and_a_log_has_no_progress_bars(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text('name = "a"\nname = "b"\n')
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "startup.py", tmp_path / "tools")
    done = set_up(tmp_path, VENV)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["1/3", "2/3", "3/3"]
    assert "2/3 2 packages" in done.stdout
    assert "sync --frozen --quiet" in (tmp_path / "uv-said").read_text()


def test_an_old_python_is_named_with_what_is_needed(tmp_path: Path) -> None:
    done = set_up(tmp_path, 'case "$*" in --version) echo Python 3.9.2 ;; *version_info*) exit 1 ;; esac\n')
    assert done.returncode == 2
    assert "is Python 3.9.2; Python 3.11 or newer is needed" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_a_python_without_venv_is_told_how_to_get_it(tmp_path: Path) -> None:
    done = set_up(tmp_path, f'case "$*" in *ensurepip*) exit 1 ;; esac\n{REAL}')
    assert done.returncode == 2
    assert "apt-get install -y python3-venv" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the library has another name")
def test_a_missing_libgomp_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    done = set_up(tmp_path, f'case "$*" in *libgomp*) exit 1 ;; esac\n{REAL}')
    assert done.returncode == 2
    assert "LightGBM needs the system library libgomp.so.1" in done.stderr
    assert "libgomp" in done.stderr.splitlines()[-1]


def test_no_python_at_all_is_said(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "setup", tmp_path / "tools")
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": "no-such-python"}
    command = [tmp_path / "tools" / "setup"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no 'no-such-python' on the PATH" in done.stderr


def test_the_set_up_leaves_nothing_behind_when_it_stops(tmp_path: Path) -> None:
    set_up(tmp_path, "exit 1\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["python", "tools"]


def test_every_dagster_package_has_the_same_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    pins = {one.partition("==")[2] for one in wanted if one.startswith("dagster")}
    assert len(pins) == 1


def test_no_table_of_pyproject_shadows_the_workspace() -> None:
    assert not {"dagster", "dg"} & tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"].keys()
