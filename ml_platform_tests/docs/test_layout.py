"""The page on the layout names every folder and top-level file that there is, and none that there isn't."""

from __future__ import annotations

import re
import subprocess

from ml_platform_tests.docs.pages import DOCS, ROOT, words

PAGE = DOCS / "layout.md"


def tracked() -> set[str]:
    """Return the files that git knows or would add."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {path for path in done.stdout.splitlines() if (ROOT / path).exists()}


def named() -> set[str]:
    return {word.removesuffix("/") for word in words(PAGE)}


def test_every_top_level_file_and_folder_is_explained() -> None:
    assert {path.partition("/")[0] for path in tracked()} <= named()


def test_every_package_is_explained() -> None:
    inside = {path.split("/")[1] for path in tracked() if path.startswith("ml_platform/")}
    assert inside <= named()


def test_every_folder_of_tests_is_explained() -> None:
    inside = {path.split("/")[1] for path in tracked() if re.match(r"ml_platform_tests/\w+/", path)}
    assert inside <= named()


def test_nothing_is_explained_that_isnt_there() -> None:
    table = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [[word for cell in line[1:3] for word in re.findall(r"`([^`]+)`", cell)][:1] for line in table]
    entries = {row[0] for row in rows if row and "<" not in row[0]}
    places = (ROOT, ROOT / "ml_platform", ROOT / "ml_platform_tests", DOCS, ROOT / "tools")
    absent = {entry for entry in entries if not any((place / entry).exists() for place in places)}
    assert absent == set()


def test_the_rings_are_those_that_are_held() -> None:
    """Each package stands in a ring no further in than those it may be imported by."""
    layers = re.search(r"layers = \[\n(.*?)\n\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.DOTALL)
    assert layers is not None
    held = [set(re.findall(r"\w+", line)) for line in reversed(layers[1].splitlines())]
    said: dict[int, set[str]] = {}
    for ring, names in re.findall(r"^\| (\d) \| `([\w./]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        said.setdefault(int(ring), set()).add(names.removesuffix("/").removesuffix(".py"))
    assert [said[ring] for ring in sorted(said)] == held
