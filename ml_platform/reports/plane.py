"""A plane: the frame of a plot with two axes, grid lines and names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.reports.plain_text import one_line
from ml_platform.reports.svg import LONGEST_TITLE, Scale, element, label, line, picture, ticks

if TYPE_CHECKING:
    from markupsafe import Markup

LEFT, RIGHT, TOP, BOTTOM = 60.0, 14.0, 14.0, 44.0


def tick_text(value: float) -> str:
    """Write a tick's value without trailing zeros.

    >>> tick_text(0.2), tick_text(1.0), tick_text(25000.0)
    ('0.2', '1', '25,000')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A plot's frame: its size and what its axes show, from low to high; a plot may name the places on x itself."""

    width: float = 460.0
    height: float = 340.0
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    x_name: str
    y_name: str
    y_text: Callable[[float], str] = tick_text
    x_ticks: bool = True

    @property
    def x(self) -> Scale:
        """Return the scale of the horizontal axis."""
        return Scale(*self.x_range, LEFT, self.width - RIGHT)

    @property
    def y(self) -> Scale:
        """Return the scale of the vertical axis."""
        return Scale(*self.y_range, self.height - BOTTOM, TOP)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point."""
        return self.x(x), self.y(y)

    def draw(self, *marks: str, title: str) -> Markup:
        """Return the plot: grid, axes and their names, the marks on top."""
        return picture(self.width, self.height, *self._axes(), *marks, title=title)

    def _axes(self) -> list[Markup]:
        left, right, bottom, top = self.x.start, self.x.end, self.y.start, self.y.end
        drawn = []
        for value in ticks(*self.y_range):
            height = self.y(value)
            drawn += [line((left, height), (right, height), "grid")]
            drawn += [label(left - 8, height + 4, self.y_text(value), anchor="end")]
        for value in ticks(*self.x_range) if self.x_ticks else ():
            drawn += [label(self.x(value), bottom + 18, tick_text(value), anchor="middle")]
        drawn += [line((left, bottom), (right, bottom), "axis")]
        drawn += [label((left + right) / 2, self.height - 6, self.x_name, anchor="middle", class_="name")]
        middle = (top + bottom) / 2
        turned = {"transform": f"rotate(-90 14 {middle:.1f})"}
        return [*drawn, label(14, middle, self.y_name, anchor="middle", class_="name", **turned)]


def dot(place: tuple[float, float], class_: str, says: str, radius: float = 4.0) -> Markup:
    """Return a dot that says its numbers when it is pointed at."""
    return element(
        "circle", element("title", one_line(says, LONGEST_TITLE)), cx=place[0], cy=place[1], r=radius, class_=class_
    )
