"""Dependence plot: how the score moves with each feature, in small plots that share their scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.core.probes import Dependence
from ml_platform.reports.plain_text import one_line
from ml_platform.reports.plane import dot, tick_text
from ml_platform.reports.svg import (
    TEXT_WIDTH,
    Scale,
    box,
    element,
    label,
    line,
    picture,
    polygon,
    polyline,
    shortened,
    ticks,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from ml_platform.core.probes import DependencePoint

COLUMNS, WIDTH, HEIGHT, LEFT = 3, 330.0, 250.0, 54.0
TOP, BOTTOM, INNER, RUG = 46.0, 40.0, 14.0, 12.0
_LEVEL = "level "


def dependence_plot(curves: Sequence[Dependence]) -> Markup:
    """Return a small plot per feature: the mean score with its interval, where most rows lie, and where data are."""
    low, high = _range(curves)
    panels = []
    for place, one in enumerate(curves):
        across, down = place % COLUMNS, place // COLUMNS
        panel = _Panel(one, left=LEFT + across * (WIDTH + INNER), top=down * HEIGHT, low=low, high=high)
        panels += panel.draw(first=across == 0)
    columns = min(COLUMNS, len(curves))
    width = LEFT + columns * WIDTH + (columns - 1) * INNER
    height = HEIGHT * ((len(curves) - 1) // COLUMNS + 1)
    return picture(width, height, *panels, title="How the score moves with each feature", class_="plot panels")


def _range(curves: Sequence[Dependence]) -> tuple[float, float]:
    found = [bound for one in curves for point in one.points for bound in (*_bounds(point), *_rows(point))]
    room = 0.05 * (max(found) - min(found)) or 0.01 * abs(found[0]) or 0.01
    low, high = min(found), max(found)
    # No axis runs below 0 or, of what may be a probability, above 1 where no value does.
    least = 0.0 if low >= 0 else low - room
    most = 1.0 if low >= 0 and high <= 1 else high + room
    return max(low - room, least), min(high + room, most)


def _bounds(point: DependencePoint) -> tuple[float, float]:
    return (
        point.score if point.low is None else point.low,
        point.score if point.high is None else point.high,
    )


def _rows(point: DependencePoint) -> tuple[float, float]:
    return point.rows_low, point.rows_high


@dataclass(frozen=True, slots=True)
class _Panel:
    """One feature's plot at its place in the picture."""

    curve: Dependence
    left: float
    top: float
    low: float
    high: float

    @property
    def right(self) -> float:
        return self.left + WIDTH - 12

    @property
    def floor(self) -> float:
        return self.top + HEIGHT - BOTTOM

    @property
    def y(self) -> Scale:
        return Scale(self.low, self.high, self.floor - RUG - 4, self.top + TOP)

    @property
    def is_levels(self) -> bool:
        return any(point.level for point in self.curve.points)

    @property
    def is_hidden(self) -> bool:
        return not self.is_levels and any(point.at is None for point in self.curve.points)

    @property
    def places(self) -> list[float]:
        """Return where the points stand: level by level, by value, or by share of rows where values are hidden."""
        points = self.curve.points
        if self.is_levels:
            step = (self.right - self.left) / len(points)
            return [self.left + (place + 0.5) * step for place in range(len(points))]
        values = [point.rank if self.is_hidden else point.at or 0.0 for point in points]
        scale = Scale(values[0], values[-1], self.left + 8, self.right - 8)
        return [scale(value) for value in values]

    def draw(self, *, first: bool) -> list[Markup]:
        return [*self._head(), *self._grid(first=first), *self._curve(), *self._rug(), *self._below()]

    def _head(self) -> list[Markup]:
        one = self.curve
        against = "" if one.against is None else f"{100 * one.against:.0f} % of rows go the other way"
        said = ", ".join(filter(None, (one.of and f"probability of {one.of}", against)))
        room = self.right - self.left
        return [
            label(self.left, self.top + 16, shortened(one_line(one.feature), room), class_="head"),
            label(self.left, self.top + 32, shortened(one_line(said), room), class_="note"),
        ]

    def _grid(self, *, first: bool) -> list[Markup]:
        drawn = []
        for value in ticks(self.low, self.high, 4):
            drawn.append(line((self.left, self.y(value)), (self.right, self.y(value)), "grid"))
            if first:
                drawn.append(label(self.left - 8, self.y(value) + 4, tick_text(value), anchor="end"))
        return [*drawn, line((self.left, self.floor), (self.right, self.floor), "axis")]

    def _curve(self) -> list[Markup]:
        points, places = self.curve.points, self.places
        dots = [
            dot((x, self.y(point.score)), "dot", self._says(point), 3.0)
            for x, point in zip(places, points, strict=True)
        ]
        bars = [(x, _bounds(point), _rows(point)) for x, point in zip(places, points, strict=True)]
        if self.is_levels:
            spread = [
                box((x - 5, self.y(rows[1])), (10, self.y(rows[0]) - self.y(rows[1])), "shadow") for x, _, rows in bars
            ]
            whiskers = [line((x, self.y(low)), (x, self.y(high)), "interval") for x, (low, high), _ in bars]
            return [*spread, *whiskers, *dots]
        spread = [_area([(x, self.y(rows[0]), self.y(rows[1])) for x, _, rows in bars], "shadow")]
        sure = [_area([(x, self.y(low), self.y(high)) for x, (low, high), _ in bars], "sure")]
        curve = polyline([(x, self.y(point.score)) for x, point in zip(places, points, strict=True)], "curve thin")
        return [*spread, *sure, curve, *dots]

    def _says(self, point: DependencePoint) -> str:
        at = point.level or (f"{100 * point.rank:.0f} % of rows" if point.at is None else number_text(point.at))
        interval = "" if point.low is None else f" [{number_text(point.low)}, {number_text(point.high)}]"
        return f"{at}: {number_text(point.score)}{interval} (n = {point.n:,})"

    def _rug(self) -> list[Markup]:
        most = max(point.n for point in self.curve.points) or 1
        return [
            box(
                (x - 2, self.floor - RUG * point.n / most),
                (4, RUG * point.n / most),
                "before",
                element("title", f"n = {point.n:,}"),
            )
            for x, point in zip(self.places, self.curve.points, strict=True)
        ]

    def _below(self) -> list[Markup]:
        below, points, places = self.floor + 18, self.curve.points, self.places
        if self.is_levels:
            room = (self.right - self.left) / len(points) - 4
            texts = [one_line(point.level.removeprefix(_LEVEL)) for point in points]
            return [
                label(x, below, shortened(text, max(room, 2 * TEXT_WIDTH)), anchor="middle")
                for x, text in zip(places, texts, strict=True)
            ]
        if self.is_hidden:
            ends = ((places[0], points[0], "start"), (places[-1], points[-1], "end"))
            drawn = [label(x, below, f"{100 * point.rank:.0f} %", anchor=side) for x, point, side in ends]
            middle = (self.left + self.right) / 2
            return [*drawn, label(middle, below, "of rows (values hidden)", anchor="middle", class_="note")]
        low, high = points[0].at or 0.0, points[-1].at or 0.0
        scale = Scale(low, high, places[0], places[-1])
        return [label(scale(value), below, tick_text(value), anchor="middle") for value in ticks(low, high, 4)]


def _area(edges: Sequence[tuple[float, float, float]], class_: str) -> Markup:
    return polygon([*((x, low) for x, low, _ in edges), *((x, high) for x, _, high in reversed(edges))], class_)
