"""ROC plot: how many true outcomes are found for how many false alarms, at every threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.plane import Plane, dot
from ml_platform.reports.svg import element, label, line, place, polyline

if TYPE_CHECKING:
    from markupsafe import Markup

    from ml_platform.core.curves import Curves


def roc_plot(curves: Curves, *, area: str = "", chosen: tuple[float, float] | None = None) -> Markup:
    """Return the candidate's curve, the champion's where there is one, chance, and the chosen threshold's point.

    `area` is written under the curve; `chosen` holds the false- and true-positive rates at the threshold.
    """
    plane = Plane(x_name="false-positive rate", y_name="true-positive rate")
    points = [plane.at(x, y) for x, y in curves.roc]
    shadow = " ".join(f"{place(x)},{place(y)}" for x, y in [plane.at(0, 0), *points, plane.at(1, 0)])
    marks = [element("polygon", points=shadow, class_="shadow"), line(plane.at(0, 0), plane.at(1, 1), "chance")]
    if curves.champion_roc:
        marks += [polyline([plane.at(x, y) for x, y in curves.champion_roc], "curve rival")]
        marks += _legend(plane)
    marks += [polyline(points, "curve")]
    if area:
        marks += [label(*plane.at(0.98, 0.06), area, anchor="end", class_="big")]
    if chosen is not None:
        says = f"at the threshold {curves.threshold:.3g}: false-positive rate {chosen[0]:.3g}, found {chosen[1]:.3g}"
        x, y = plane.at(*chosen)
        marks += [dot((x, y), "dot ring", says, 5.5), label(x + 12, y + 5, f"threshold {curves.threshold:.3g}")]
    return plane.draw(*marks, title=f"ROC curve. {area}")


def _legend(plane: Plane) -> list[Markup]:
    x, y = plane.at(0.62, 0.24)
    candidate = [line((x, y), (x + 24, y), "curve"), label(x + 32, y + 4, "candidate")]
    return [*candidate, line((x, y + 18), (x + 24, y + 18), "curve rival"), label(x + 32, y + 22, "live version")]
