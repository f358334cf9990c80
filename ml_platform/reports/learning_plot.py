"""Plots of repeated trainings: the loss by the number of rows, and by seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.reports.plane import Plane, dot
from ml_platform.reports.svg import label, line, polyline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from ml_platform.core.probes import CurvePoint, LearningCurve, SeedLoss

    Point = CurvePoint | SeedLoss


def learning_plot(curve: LearningCurve) -> Markup:
    """Return the loss by the number of training rows; every step to the right is a doubling."""
    places = [math.log2(point.rows) for point in curve.points]
    plane = Plane(
        x_range=(places[0] - 0.3, places[-1] + 0.3), y_range=_range(curve.points), x_name="training rows",
        y_name="mean loss on the holdout", x_ticks=False,
    )  # fmt: skip
    marks = [polyline([plane.at(x, point.loss) for x, point in zip(places, curve.points, strict=True)], "curve")]
    for x, point in zip(places, curve.points, strict=True):
        marks += _point(plane, x, point, f"{point.rows:,} rows")
        marks += [label(plane.x(x), plane.y.start + 18, f"{point.rows:,}", anchor="middle")]
    return plane.draw(*marks, title="Loss by the number of training rows")


def seeds_plot(seeds: Sequence[SeedLoss]) -> Markup:
    """Return the loss of each seed, the model's own first."""
    plane = Plane(
        x_range=(-0.5, len(seeds) - 0.5), y_range=_range(seeds), x_name="seed", y_name="mean loss on the holdout",
        x_ticks=False,
    )  # fmt: skip
    marks = []
    for place, seed in enumerate(seeds):
        name = "the model's own" if seed.own else f"another ({place})"
        marks += _point(plane, place, seed, name)
        marks += [label(plane.x(place), plane.y.start + 18, "own" if seed.own else str(place), anchor="middle")]
    return plane.draw(*marks, title="Loss by seed")


def _point(plane: Plane, x: float, point: Point, name: str) -> list[Markup]:
    says = f"{name}: {number_text(point.loss)} [{number_text(point.low)}, {number_text(point.high)}]"
    drawn = []
    if point.low is not None and point.high is not None:
        drawn = [line(plane.at(x, point.low), plane.at(x, point.high), "interval")]
    return [*drawn, dot(plane.at(x, point.loss), "dot", says)]


def _range(points: Sequence[Point]) -> tuple[float, float]:
    found = [bound for point in points for bound in (point.loss, point.low, point.high) if bound is not None]
    room = 0.08 * (max(found) - min(found)) or 0.01 * abs(found[0]) or 0.01
    return min(found) - room, max(found) + room
