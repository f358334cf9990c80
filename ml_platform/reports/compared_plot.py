"""Compared plot: the shares of one column's classes in the reference and in new rows, one above the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.figures import Figure
from ml_platform.reports.plain_text import one_line
from ml_platform.reports.svg import LONGEST_TITLE, Scale, box, element, label, line, picture, shortened, ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from ml_platform.core.compared import ComparedColumn, ComparedColumns
    from ml_platform.reports.content import Content

WIDTH, ROW, BAR, TOP, BOTTOM = 680.0, 30.0, 9.0, 26.0, 26.0
NAMES, NOTES = 200.0, 140.0
MISSING = "missing"
MASKED = "About persons: classes are numbered, no value is told."


def compared_figures(content: Content) -> tuple[Figure, ...]:
    """Return a figure per column that findings name; none when new rows showed nothing."""
    found = content.compared
    return () if found is None else tuple(_figure(column, found) for column in found.columns)


def _figure(column: ComparedColumn, of: ComparedColumns) -> Figure:
    return Figure(
        title=one_line(column.name), picture=compared_plot(column, of), caption=MASKED if column.masked else ""
    )


def compared_plot(column: ComparedColumn, of: ComparedColumns) -> Markup:
    """Return the plot: two bars per class, missing values last; the class that changed most is in bold."""
    rows = list(_rows(column))
    height = TOP + ROW * len(rows) + BOTTOM
    top = max((share for _, before, now in rows for share in (before, now)), default=0.0)
    scale = Scale(0.0, min(1.0, 1.04 * top) or 1.0, NAMES, WIDTH - NOTES)
    drawn = [
        label(NAMES, 14, f"reference (n = {of.reference_rows:,})", class_="tick before"),
        label(WIDTH - NOTES, 14, f"new rows (n = {of.new_rows:,})", anchor="end", class_="tick now"),
    ]
    for value in ticks(scale.low, scale.high, 6):
        drawn += [line((scale(value), TOP), (scale(value), height - BOTTOM), "grid")]
        drawn += [label(scale(value), height - BOTTOM + 18, f"{100 * value:g} %", anchor="middle")]
    worst = max((abs(now - before) for _, before, now in rows), default=0.0)
    for position, (name, before, now) in enumerate(rows):
        strong = " strong" if abs(now - before) == worst > 0 else ""
        drawn += _row(name, (before, now), scale, (TOP + ROW * position, strong))
    return picture(
        WIDTH,
        height,
        *drawn,
        title=f"{column.name}: shares in the reference and in the new rows",
        class_="plot compared",
    )


def _rows(column: ComparedColumn) -> Iterator[tuple[str, float, float]]:
    yield from zip(column.classes, column.reference, column.new, strict=True)
    if any(column.missing):
        yield MISSING, *column.missing


def _row(name: str, shares: tuple[float, float], scale: Scale, at: tuple[float, str]) -> list[Markup]:
    (before, now), (top, strong) = shares, at
    middle = top + ROW / 2 + 4
    note = f"{_percent(before)} → {_percent(now)}"
    says = element("title", one_line(f"{name}: {_percent(before)} of the reference, {_percent(now)} of the new rows",
                                     LONGEST_TITLE))  # fmt: skip
    return [
        label(NAMES - 10, middle, shortened(one_line(name), NAMES - 16), anchor="end", class_=f"tick{strong}"),
        box((NAMES, top + 5), (scale(before) - NAMES, BAR), "before", says),
        box((NAMES, top + 6 + BAR), (scale(now) - NAMES, BAR), "now", says),
        label(WIDTH - NOTES + 12, middle, note, class_=f"tick{strong}"),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 or share == 0 else "< 0.1 %"
