"""The report as Markdown: the first page in words, then the tables."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from ml_platform.reports import mitigation
from ml_platform.reports.against_live import live_sections
from ml_platform.reports.class_rows import HEADS, class_rows
from ml_platform.reports.conditions import conditions
from ml_platform.reports.decision import decide
from ml_platform.reports.expectation_rows import HEADS as EXPECTATION_HEADS
from ml_platform.reports.expectation_rows import expectation_rows
from ml_platform.reports.how_sure import luck_line, weakest_line
from ml_platform.reports.markdown import cell, closed_list, measurement_table, table, verdict_table
from ml_platform.reports.measured_rows import MeasuredRows
from ml_platform.reports.outcomes import tally
from ml_platform.reports.probe_section import HEADS as PROBE_HEADS
from ml_platform.reports.probe_sections import probe_sections
from ml_platform.reports.summary import compared_with_live, tiles, what_comes_next
from ml_platform.reports.what_moves import EXAMPLE_HEADS, FEATURE_HEADS, NOTE, SHARE_HEADS, TITLE, what_moves

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_platform.reports.content import Content
    from ml_platform.reports.probe_section import Cell, ProbeSection


def markdown_page(content: Content, *, now: dt.datetime) -> str:
    """Return the report; text that comes from data stays text."""
    spec, decision = content.spec, decide(content.verdicts, content.policy)
    numbers = [(tile.name, tile.number, tile.interval, tile.meaning) for tile in tiles(content, MeasuredRows(content))]
    closed = closed_list(content.verdicts)
    classes = [row.texts for row in class_rows(content, MeasuredRows(content))]
    expected = [row.texts for row in expectation_rows(content, MeasuredRows(content))]
    parts = [
        f"# {cell(spec.model)}: {cell(decision.headline)}",
        cell(spec.purpose),
        _about(content, now),
        cell(decision.because),
        *(["## What can be done", closed] if closed else []),
        *(["## What it is worth", table(("", "value", "interval", "meaning"), numbers)] if numbers else []),
        "## How much of it is luck",
        cell(luck_line(content)),
        "## For whom it is worst",
        cell(weakest_line(content)),
        "## Compared with what is live",
        cell(compared_with_live(content)),
        "## What comes next",
        cell(what_comes_next(content, decision)),
        "## Gates",
        f"{tally(content.verdicts)}.",
        verdict_table(content.verdicts),
        *_chapters(live_sections(content, MeasuredRows(content))),
        *(["## Each class", table(HEADS, classes)] if classes else []),
        *_mitigation(content),
        *(["## What was expected of it", table(EXPECTATION_HEADS, expected)] if expected else []),
        *_what_moves(content),
        *_chapters(probe_sections(content, MeasuredRows(content))),
        "## Measurements on the holdout",
        measurement_table(content.measurements),
        *_conditions(content),
        *(cell(words) for words in content.left_out),
    ]
    return "\n\n".join(parts) + "\n"


def _about(content: Content, now: dt.datetime) -> str:
    spec = content.spec
    return (
        f"Owner {cell(spec.owner)}, risk class {spec.risk_class.value}, measured on {content.evaluation.rows:,} "
        f"holdout rows, written {now.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC."
    )


def _mitigation(content: Content) -> list[str]:
    found = content.mitigation
    if found is None:
        return []
    rows = [row.texts for row in mitigation.mitigation_rows(found)]
    words = [cell(one) for one in mitigation.mitigation_words(found)]
    unkept = f"Not kept: {mitigation.limits_text(found.limits)}. {mitigation.READING}"
    return [f"## {mitigation.TITLE}", cell(unkept), table(mitigation.mitigation_heads(found), rows), *words]


def _what_moves(content: Content) -> list[str]:
    moves = what_moves(content, MeasuredRows(content))
    if moves is None:
        return []
    return [
        f"## {TITLE}",
        NOTE,
        table(SHARE_HEADS, moves.shares),
        *([table(EXAMPLE_HEADS, [card.texts for card in moves.examples])] if moves.examples else []),
        *([table(PROBE_HEADS, _texts(moves.stable))] if moves.stable else []),
        *([table(FEATURE_HEADS, _texts(moves.features))] if moves.features else []),
    ]


def _texts(rows: Iterable[Iterable[Cell]]) -> list[tuple[str, ...]]:
    return [tuple(one.text for one in row) for row in rows]


def _chapters(sections: Iterable[ProbeSection]) -> list[str]:
    return [
        part
        for section in sections
        for part in (
            f"## {section.title}",
            section.note,
            table(section.heads, _texts(section.rows)),
            *(cell(words) for words in section.words),
        )
    ]


def _conditions(content: Content) -> list[str]:
    return [
        part
        for title, facts in conditions(content).items()
        for part in (f"## {title}", table(("", "value"), [(name, str(value)) for name, value in facts.items()]))
    ]
