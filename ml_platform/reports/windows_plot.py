"""Plot of windows: a number of each with its interval, in the order of time, against its limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.reports.plane import LEFT, RIGHT, Plane, dot
from ml_platform.reports.svg import TEXT_WIDTH, label, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

WIDTH, HEIGHT = 720.0, 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPoint:
    """A window's number; `tone` colours it as the outcome of its gate, `says` is what pointing at it tells."""

    window: str
    value: float
    low: float | None = None
    high: float | None = None
    tone: str = "passed"
    says: str = ""


def windows_plot(points: Sequence[WindowPoint], *, limit: float, y_name: str) -> Markup:
    """Return a dot with its interval per window, and a line at the limit."""
    bounds = [one for point in points for one in (point.value, point.low, point.high, limit) if one is not None]
    low, high = min(bounds), max(bounds)
    room = 0.08 * (high - low) or 0.01
    plane = Plane(
        width=WIDTH, height=HEIGHT, x_range=(-0.5, len(points) - 0.5), y_range=(low - room, high + room),
        x_name="window", y_name=y_name, x_ticks=False,
    )  # fmt: skip
    edges = plane.x_range
    marks = [line(plane.at(edges[0], limit), plane.at(edges[1], limit), "limit")]
    every = _every(points)
    for place, point in enumerate(points):
        marks += _point(plane, place, point)
        if (len(points) - 1 - place) % every == 0:
            marks += [label(plane.x(place), plane.y.start + 18, point.window, anchor="middle")]
    return plane.draw(*marks, title=f"{y_name} by window; the line is the limit, {number_text(limit)}")


def _point(plane: Plane, place: int, point: WindowPoint) -> list[Markup]:
    drawn = []
    if point.low is not None and point.high is not None:
        drawn = [line(plane.at(place, point.low), plane.at(place, point.high), f"interval {point.tone}")]
    return [*drawn, dot(plane.at(place, point.value), f"dot {point.tone}", point.says or point.window)]


def _every(points: Sequence[WindowPoint]) -> int:
    """Return at how many windows there is room for a name."""
    widest = max(len(point.window) for point in points) + 2
    room = max(1, int((WIDTH - LEFT - RIGHT) / (widest * TEXT_WIDTH)))
    return -(-len(points) // room)
