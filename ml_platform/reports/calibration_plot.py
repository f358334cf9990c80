"""Calibration plot: what happened against what was predicted, per bin of scores, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.plane import Plane, dot
from ml_platform.reports.svg import line

if TYPE_CHECKING:
    from markupsafe import Markup

    from ml_platform.core.curves import ClassCurves, Curves


def calibration_plot(curves: Curves | ClassCurves) -> Markup:
    """Return the bins with their intervals and the diagonal on which a perfect model lies."""
    bins = curves.calibration
    edge = min(1.0, 1.05 * max((max(each.high, each.predicted) for each in bins), default=1.0))
    plane = Plane(x_range=(0.0, edge), y_range=(0.0, edge), x_name="predicted probability", y_name="observed rate")
    marks = [line(plane.at(0, 0), plane.at(edge, edge), "chance")]
    for each in bins:
        marks += [line(plane.at(each.predicted, each.low), plane.at(each.predicted, each.high), "interval")]
        says = f"predicted {each.predicted:.3g}, observed {each.observed:.3g} [{each.low:.3g}, {each.high:.3g}]"
        marks += [dot(plane.at(each.predicted, each.observed), "dot", f"{says} (n = {each.n:,})")]
    return plane.draw(*marks, title="Observed rate against predicted probability, with 95 % intervals")
