"""The worked example is really scaffolded, checked and released, and says what the guide shows."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import ml_platform.defs
from ml_platform.cli.main import main
from ml_platform.orchestration.scaffold import write_template
from ml_platform_tests.docs.pages import DOCS, EXAMPLE, ROOT, blocks_of, words
from ml_platform_tests.docs.said import missing

Run = Callable[..., tuple[int, str]]


def commit(folder: Path) -> None:
    """Put a folder under git: a model is trained from a known commit only."""
    git = ["git", "-C", str(folder), "-c", "user.name=author", "-c", "user.email=author@example.org"]
    for step in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "A model of returns"]):
        subprocess.run([*git, *step], check=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project folder in which the guide's first step was taken."""
    folder = tmp_path / "ml_platform" / "defs" / "returns"
    folder.mkdir(parents=True)
    write_template(folder)
    for name in ("defs.yaml", "features.py"):
        shutil.copy(EXAMPLE / name, folder)
    shutil.copytree(EXAMPLE / "tests", folder / "tests", dirs_exist_ok=True)
    shutil.copytree(EXAMPLE, tmp_path / "docs" / "example")
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    commit(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ml_platform.defs, "__path__", [*ml_platform.defs.__path__, str(folder.parent)])
    monkeypatch.setenv("ML_PLATFORM_DEFS", str(folder.parent))
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / ".ml_platform"))
    return tmp_path


@pytest.fixture
def run(project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out + said.err

    return command


def shown(heading: str) -> str:
    """Return the output that the guide shows under a heading."""
    page = DOCS / "your-model.md"
    after = page.read_text(encoding="utf-8").partition(heading)[0].count("\n")
    return next(block.text for block in blocks_of(page) if block.language == "text" and block.line > after)


def test_the_example_is_acceptable_and_says_so(run: Run) -> None:
    code, said = run("check", "returns")
    assert (code, missing(said, shown("## 4. Check"))) == (0, [])


def test_the_example_is_released_with_the_verdicts_that_the_guide_shows(run: Run, project: Path) -> None:
    code, said = run("run", "returns")
    assert (code, missing(said, shown("## 5. Run"))) == (0, []), said
    explained = words(DOCS / "state.md")
    made = {path.name + "/" * path.is_dir() for path in (project / ".ml_platform").iterdir()}
    assert made - set(explained) == set(), "the page on state doesn't explain these"
