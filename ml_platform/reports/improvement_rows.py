"""What would help most, as a chapter of the report and as lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml_platform.reports.probe_section import Cell, ProbeSection

if TYPE_CHECKING:
    from ml_platform.core.improvement import Advice, Improvement
    from ml_platform.reports.content import Content

TITLE = "What would help most"
HEADS = ("", "why", "n", "saves")
NOTE = "From what is on record alone: first what is proven to save most of the loss, then what has no price yet."
_AGREE = {True: "yes", False: "no", None: "can't be told"}


def saving_text(advice: Advice) -> str:
    """Say what advice would save.

    >>> from ml_platform.core.improvement import Advice
    >>> saving_text(Advice(what="", why="", n=1, saving=0.0123)), saving_text(Advice(what="", why="", n=1))
    ('at least 1.23 % of the loss', 'how much it costs is not on record')
    """
    return (
        "how much it costs is not on record"
        if advice.saving is None
        else f"at least {100 * advice.saving:.3g} % of the loss"
    )


def kept_text(found: Improvement) -> str:
    """Say how many promises came true, of those of which it can be told."""
    agreeing = sum(one.agrees is True for one in found.told)
    return f"{agreeing} of {len(found.told)} came true as far as the intervals tell"


def improvement_section(content: Content) -> ProbeSection:
    """Return the chapter: advice, the most helpful first, then promises of earlier releases; empty without a record."""
    found = content.improvement
    rows = [(one.what, one.why, f"{one.n:,}", saving_text(one)) for one in found.advice] if found else []
    return ProbeSection(
        name="improvement",
        title=TITLE,
        note=NOTE,
        heads=HEADS,
        rows=tuple(tuple(Cell(text=text) for text in row) for row in rows),
        words=tuple(_words(found)) if found else (),
    )


def _words(found: Improvement) -> Iterator[str]:
    if found.kept:
        yield f"What releases promised: {kept_text(found)}."
    for one in found.kept:
        said = f"promised {one.promised}, came true {one.came_true}; agree: {_AGREE[one.agrees]}"
        yield f"v{one.version}, {one.of}: {said}."
    yield from (f"Not known: {words}." for words in found.missing)
