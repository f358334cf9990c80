"""Fresh environment: a virtual environment built from a recorded lock file, kept under the lock file's digest."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of, digest_of_bytes, short
from ml_platform.core.errors import Unavailable
from ml_platform.settings import environment_of_installer
from ml_platform.stages.environment import LOCK
from ml_platform.stages.kept_environment import LISTED, PROJECT

if TYPE_CHECKING:
    from ml_platform.stages.environment import Environment

FOLDER = "fresh_environments"
DRAFT = ".draft-"
WALL_SECONDS = 3600.0
_LAST_LINES = 4
# What an installer says may name the place it installs from, and that is nobody's business but the machine's.
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://[^\s`'\"<>)]+|\b(?:[\w-]+\.)+(?:com|dev|internal|io|lan|local|net|org)\b", re.IGNORECASE
)


def fresh_python(environment: Environment, files: Mapping[str, bytes], *, home: Path, uv: str | None = None) -> Path:
    """Return the interpreter of an environment that holds exactly what a lock file says; it is built once.

    Without a recorded lock file the list of installed versions is installed. Raises Unavailable, with nothing
    half-built left behind, when `uv` isn't there, the recorded Python isn't, or the lock file can't be installed.
    """
    name = LOCK if LOCK in files else LISTED
    # Not a whole digest: folders that are named by one hold artefacts.
    key = short(digest_of([name, digest_of_bytes(files[name]), environment.python]))
    target = home / FOLDER / key
    if not _python(target).exists():
        tool = uv or _uv(name)
        with _draft(target) as draft:
            _build(tool, draft, name, environment, files)
            with contextlib.suppress(OSError):  # another process was faster: its environment is the same
                draft.rename(target)
    return _python(target)


def _build(uv: str, draft: Path, name: str, environment: Environment, files: Mapping[str, bytes]) -> None:
    """Install into the draft; the recorded files lie beside the environment, where the installer looks for them."""
    project = draft / "project"
    project.mkdir()
    for each in (LOCK, PROJECT, LISTED):
        if each in files:
            (project / each).write_bytes(files[each])
    place = draft / "venv"
    variables = environment_of_installer(place, draft.parent / "uv")
    version = environment.python.rpartition(" ")[2]
    python = sys.executable if version == sys.version.partition(" ")[0] else version
    _call([uv, "venv", "--quiet", "--relocatable", "--python", python, str(place)], variables, f"Python {version}")
    if name == LOCK:
        command = [
            uv, "sync", "--quiet", "--frozen", "--no-install-project", "--no-default-groups",
            "--project", str(project),
        ]  # fmt: skip
    else:
        interpreter = str(_python(draft))
        listed = str(project / LISTED)
        command = [uv, "pip", "install", "--quiet", "--no-deps", "--python", interpreter, "-r", listed]
    _call(command, variables, f"the recorded {name} ({short(digest_of_bytes(files[name]))})")


def _call(command: list[str], variables: Mapping[str, str], what: str) -> None:
    try:
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=WALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(_words(what, type(error).__name__)) from error
    if done.returncode != 0:
        lines = [line.strip() for line in _ADDRESS.sub("…", done.stderr).splitlines() if line.strip()]
        raise Unavailable(_words(what, " / ".join(lines[-_LAST_LINES:]) or f"it ended with {done.returncode}"))


def _words(what: str, seen: str) -> str:
    return (
        f"a fresh environment can't be built: {what} can't be installed ({seen}); all of it is needed; reach the "
        "package index that it came from, or leave --fresh-environment out; nothing half-built is left"
    )


def _uv(name: str) -> str:
    """Return the installer: the one beside this interpreter, or one on the path."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise Unavailable(
            f"a fresh environment is built from {name} by `uv`, and it isn't installed here; install it "
            "(`python -m pip install uv`), or leave --fresh-environment out"
        )
    return found


def _python(folder: Path) -> Path:
    return folder / "venv" / "bin" / "python"


@contextlib.contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Give a folder that vanishes unless it was renamed to its target."""
    draft = target.with_name(f"{DRAFT}{secrets.token_hex(8)}")
    try:
        draft.mkdir(parents=True)
        yield draft
    except OSError as error:
        where = error.filename or draft
        raise Unavailable(
            f"{where}: can't be written ({error.strerror}); free space or correct its permissions"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
