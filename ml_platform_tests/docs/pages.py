"""The documentation as data: its pages, their fenced blocks, links and words in backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EXAMPLE = DOCS / "example"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_WORD = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands, its language, its text."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        """Return `page:line`, for messages and test names."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return the README and every page under docs/."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def guide() -> list[Path]:
    """Return the pages of the user guide: all but the decisions, which are history and may speak of what was."""
    return [page for page in pages() if "decisions" not in page.parts]


def blocks(*languages: str) -> list[Block]:
    """Return the guide's fenced blocks in these languages, in order."""
    return [block for page in guide() for block in blocks_of(page) if block.language in languages]


def blocks_of(page: Path) -> list[Block]:
    """Return a page's fenced blocks, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2]) for found in _FENCE.finditer(text)]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Return the targets of a page's links."""
    return _LINK.findall(prose(page))


def words(page: Path) -> list[str]:
    """Return what a page's prose has in backticks."""
    return _WORD.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """Return the names that a page's headings can be linked by, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[str]:
    """Yield the commands of a shell block: continued lines joined, comments left out."""
    joined = text.replace("\\\n", " ")
    pending = ""
    for line in joined.splitlines():
        pending = f"{pending}\n{line}" if pending else line
        if pending.count("'") % 2:
            continue
        command = re.sub(r"\s+#\s.*$", "", pending) if "'" not in pending else pending
        if command.strip() and not command.lstrip().startswith("#"):
            yield command.strip()
        pending = ""
