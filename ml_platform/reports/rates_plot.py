"""Rates plot: each group's rates side by side, so that a gap is seen as a length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.reports.plane import dot
from ml_platform.reports.svg import Scale, label, line, picture, shortened, ticks

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, ROW, TOP, BOTTOM = 960.0, 28.0, 8.0, 26.0
NAMES, NOTES = 250.0, 250.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesRow:
    """One kind of rate (0..1) by group; without rates it is a heading."""

    name: str
    rates: Mapping[str, float]


def rates_plot(rows: Sequence[RatesRow], *, title: str) -> Markup:
    """Return the plot: a dot per group on one line per kind of rate."""
    height = TOP + ROW * len(rows) + BOTTOM
    top = max((rate for row in rows for rate in row.rates.values()), default=0.0) or 1.0
    scale = Scale(0.0, min(1.0, 1.06 * top), NAMES, WIDTH - NOTES)
    drawn = []
    for value in ticks(scale.low, scale.high, 6):
        drawn += [line((scale(value), TOP), (scale(value), height - BOTTOM), "grid")]
        drawn += [label(scale(value), height - BOTTOM + 18, f"{100 * value:g} %", anchor="middle")]
    for position, row in enumerate(rows):
        drawn += _row(row, scale, TOP + ROW * (position + 0.5))
    return picture(WIDTH, height, *drawn, title=title, class_="plot wide")


def _row(row: RatesRow, scale: Scale, height: float) -> list[Markup]:
    if not row.rates:
        return [label(0, height + 4, shortened(row.name, NAMES), class_="head")]
    low, high = min(row.rates.values()), max(row.rates.values())
    texts = [f"{group}: {100 * rate:.1f} %" for group, rate in row.rates.items()]
    drawn = [label(12, height + 4, shortened(row.name, NAMES - 24), class_="subject")]
    drawn += [line((scale(low), height), (scale(high), height), "interval")]
    for (group, rate), text in zip(row.rates.items(), texts, strict=True):
        place = scale(rate)
        drawn += [dot((place, height), "dot", text, 5)]
        if rate in {low, high}:  # names of groups between them would run into each other
            side = ("end", -10) if rate == low and low != high else ("start", 10)
            drawn += [label(place + side[1], height + 4, shortened(group, 90), anchor=side[0])]
    note = shortened(", ".join(texts), NOTES - 16)
    return [*drawn, label(WIDTH - NOTES + 16, height + 4, note, class_="note")]
