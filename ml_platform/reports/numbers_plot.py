"""Plots of predicted numbers: what happened by what was predicted, and how the errors are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.reports.plane import Plane, dot
from ml_platform.reports.svg import box, element, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from ml_platform.core.curves import NumberBin, NumberCurves


def predicted_plot(curves: NumberCurves) -> Markup:
    """Return the median outcome per bin of predictions with the range of nine in ten, and a perfect model's line."""
    bins = curves.predicted
    plane = Plane(
        x_range=_range([each.predicted for each in bins]),
        y_range=_range([bound for each in bins for bound in (each.low, each.high)]),
        x_name="predicted",
        y_name="what happened",
    )
    low, high = max(plane.x_range[0], plane.y_range[0]), min(plane.x_range[1], plane.y_range[1])
    marks = [line(plane.at(low, low), plane.at(high, high), "chance")] if high > low else []
    for each in bins:
        marks += _bin(plane, each, 0.0)
    return plane.draw(*marks, title="Outcomes by prediction: median and the range of nine in ten")


def residual_plot(curves: NumberCurves) -> Markup:
    """Return the same bins as errors: outcome minus prediction, around the line of none."""
    bins = curves.predicted
    plane = Plane(
        x_range=_range([each.predicted for each in bins]),
        y_range=_range([0.0, *(bound - each.predicted for each in bins for bound in (each.low, each.high))]),
        x_name="predicted",
        y_name="outcome minus prediction",
    )
    marks = [line(plane.at(plane.x_range[0], 0.0), plane.at(plane.x_range[1], 0.0), "chance")]
    for each in bins:
        marks += _bin(plane, each, each.predicted)
    return plane.draw(*marks, title="Errors by prediction: median and the range of nine in ten")


def errors_plot(curves: NumberCurves) -> Markup:
    """Return how many rows have which error (prediction minus outcome), as bars."""
    total = max(sum(curves.errors), 1)
    shares = [count / total for count in curves.errors]
    plane = Plane(
        x_range=(curves.edges[0], curves.edges[-1]),
        y_range=(0.0, 1.08 * max([*shares, 1e-9])),
        x_name="prediction minus outcome",
        y_name="share of rows",
        y_text=lambda share: f"{100 * share:g} %",
    )
    marks = []
    for left, right, share in zip(curves.edges, curves.edges[1:], shares, strict=False):
        x, y = plane.at(left, share)
        says = f"{number_text(left)} to {number_text(right)}: {100 * share:.1f} % of the rows"
        marks += [box((x, y), (plane.x(right) - x - 1, plane.y(0) - y), "share", element("title", says))]
    if curves.edges[0] < 0 < curves.edges[-1]:
        marks += [line(plane.at(0.0, 0.0), plane.at(0.0, plane.y_range[1]), "limit")]
    return plane.draw(*marks, title="How errors are spread")


def _bin(plane: Plane, each: NumberBin, taken: float) -> list[Markup]:
    says = (
        f"predicted {number_text(each.predicted)}, median outcome {number_text(each.median)}, nine in ten from "
        f"{number_text(each.low)} to {number_text(each.high)} (n = {each.n:,})"
    )
    return [
        line(plane.at(each.predicted, each.low - taken), plane.at(each.predicted, each.high - taken), "interval"),
        dot(plane.at(each.predicted, each.median - taken), "dot", says),
    ]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin
