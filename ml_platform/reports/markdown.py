"""Verdicts and measurements as Markdown tables, for the summary page of a CI run and for metadata."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.reports.explanation import explanation, interval_text, seen
from ml_platform.reports.outcomes import MARKS, by_stage, word
from ml_platform.reports.plain_text import one_line

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.core.verdict import Verdict

MOST_ROWS = 500
# In a cell `|` ends it, `<`, `>` and `&` are HTML, a link or an image begins with a bracket, code with a backtick.
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "`": "&#96;", "](": "]&#40;", "\\": "&#92;"}


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Return verdicts as a Markdown table, stages in the order of the flow."""
    rows = [
        (
            f"{MARKS[one.outcome]} {word(one.outcome)}",
            one.stage,
            one.gate,
            one.control,
            seen(one.worst) if one.worst else one.reason,
            one.limit,
        )
        for found in by_stage(verdicts).values()
        for one in found
    ]
    return table(("verdict", "stage", "gate", "control", "seen", "needed"), rows)


def measurement_table(measurements: Sequence[Measurement], *, most_rows: int = MOST_ROWS) -> str:
    """Return measurements as a Markdown table; what goes beyond `most_rows` is counted in the last row."""
    rows = [
        (
            one.metric,
            one.subject or "-",
            f"{number_text(one.value)} {one.unit}".rstrip() if one.value is not None else one.reason,
            interval_text(one) or "-",
            f"{one.n:,}",
        )
        for one in islice(measurements, most_rows)
    ]
    left = len(measurements) - len(rows)
    rows += [(f"… and {left:,} more", "", "", "", "")] if left else []
    return table(("metric", "subject", "value", "interval", "n"), rows)


def closed_list(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts that don't open as a Markdown list: what was seen, why, what to do; empty when all open."""
    return "\n".join(_closed(one) for found in by_stage(verdicts).values() for one in found if not one.outcome.opens)


def _closed(one: Verdict) -> str:
    effect = "blocks the path" if one.closes else "only warns"
    why = explanation(one)
    lines = [
        f"- {MARKS[one.outcome]} **{cell(one.gate)}** {word(one.outcome)} ({cell(one.control)}, {effect})",
        f"  - seen: {cell(seen(one.worst) if one.worst else one.reason)}",
        f"  - needed: {cell(one.limit)}",
        *([f"  - why: {cell(why)}"] if why and one.worst else []),
        f"  - do: {cell(one.next_step)}",
    ]
    return "\n".join(lines)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; cells are escaped here."""
    lines = [heads, ["---"] * len(heads), *([cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(text: str) -> str:
    """Return text that stays plain inside one cell of a Markdown table.

    >>> cell("a|b <i>")
    'a&#124;b &lt;i&gt;'
    """
    line = one_line(text)
    for sign, escaped in _ESCAPES.items():
        line = line.replace(sign, escaped)
    return line
