"""Forest plot: one row per subject, each value with its interval, against limits and a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.reports.interval_bar import span
from ml_platform.reports.limits import Allowed
from ml_platform.reports.plane import dot, tick_text
from ml_platform.reports.svg import Scale, box, element, label, line, picture, shortened, ticks

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, ROW, TOP, BOTTOM = 960.0, 26.0, 24.0, 26.0
NAMES, NOTES = 250.0, 250.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """One subject: its name, numbers and what stands at the end of its row; `anchor` links to the measurement.

    A row without a value is a heading, unless `note` says why there is none.
    """

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""
    anchor: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """What a forest plot shows: rows, what its gates allow, a reference value and the axis' name."""

    rows: Sequence[ForestRow]
    limits: Sequence[Allowed] = ()
    reference: float | None = None
    reference_name: str = ""
    name: str


def forest_plot(forest: Forest) -> Markup:
    """Return the plot, as high as it has rows."""
    height = TOP + ROW * len(forest.rows) + BOTTOM
    scale = Scale(*_range(forest), NAMES, WIDTH - NOTES)
    drawn = [*_ground(forest, scale, height - BOTTOM)]
    for position, row in enumerate(forest.rows):
        drawn += _row(row, scale, TOP + ROW * (position + 0.5))
    return picture(WIDTH, height, *drawn, title=forest.name, class_="plot wide")


def _range(forest: Forest) -> tuple[float, float]:
    numbers = [number for row in forest.rows for number in (row.value, row.low, row.high) if number is not None]
    numbers += [edge for allowed in forest.limits for edge in allowed.edges]
    numbers += [] if forest.reference is None else [forest.reference]
    return span(numbers or [0.0], 0.06)


def _ground(forest: Forest, scale: Scale, bottom: float) -> list[Markup]:
    drawn = []
    lows = [allowed.low for allowed in forest.limits if allowed.low is not None]
    highs = [allowed.high for allowed in forest.limits if allowed.high is not None]
    if forest.limits:
        start = scale(max(lows)) if lows else scale.start
        end = scale(min(highs)) if highs else scale.end
        drawn += [box((start, TOP), (end - start, bottom - TOP), "allowed")]
    for value in ticks(scale.low, scale.high, 6):
        drawn += [line((scale(value), TOP), (scale(value), bottom), "grid")]
        drawn += [label(scale(value), bottom + 18, tick_text(value), anchor="middle")]
    for edge, words in _edges(forest):
        drawn += [line((scale(edge), TOP - 4), (scale(edge), bottom), "limit")]
        drawn += [label(scale(edge), TOP - 9, words, anchor="middle", class_="tick strong")]
    if forest.reference is not None:
        drawn += [line((scale(forest.reference), TOP - 4), (scale(forest.reference), bottom), "reference")]
        drawn += [label(scale(forest.reference), TOP - 9, forest.reference_name, anchor="middle", class_="tick accent")]
    return drawn


def _edges(forest: Forest) -> list[tuple[float, str]]:
    """Return each limit once with its words; where one gate blocks and another warns, it is a limit."""
    warns = {edge: True for allowed in forest.limits for edge in allowed.edges}
    warns |= {edge: False for allowed in forest.limits if not allowed.warns for edge in allowed.edges}
    return [(edge, f"{'warns at' if warns[edge] else 'limit'} {tick_text(edge)}") for edge in sorted(warns)]


def _row(row: ForestRow, scale: Scale, height: float) -> list[Markup]:
    if row.value is None and not row.note:
        return [label(0, height + 4, shortened(row.name, NAMES), class_="head")]
    name = label(12, height + 4, shortened(row.name, NAMES - 24), class_="subject")
    note = label(WIDTH - NOTES + 16, height + 4, shortened(row.note, NOTES - 16), class_="note")
    drawn = [name, element("a", note, href=f"#{row.anchor}") if row.anchor else note]
    if row.low is not None and row.high is not None:
        drawn += [line((scale(row.low), height), (scale(row.high), height), "interval")]
    if row.value is not None:
        drawn += [dot((scale(row.value), height), "dot", row.says or row.name)]
    return drawn
