"""Score plot: how the scores of true and of false outcomes are spread, mirrored so that neither hides the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.plane import Plane
from ml_platform.reports.svg import box, element, label, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from ml_platform.core.curves import Curves


def score_plot(curves: Curves) -> Markup:
    """Return, per bin of scores, the share of each class: true outcomes upward, false ones downward."""
    upward, downward = _shares(curves.positives), _shares(curves.negatives)
    top = 1.08 * max([*upward, *downward, 1e-9])
    used = [index for index, share in enumerate(upward) if share or downward[index]] or [0]
    plane = Plane(
        x_range=(min(curves.edges[used[0]], curves.threshold), max(curves.edges[used[-1] + 1], curves.threshold)),
        y_range=(-top, top),
        x_name="score",
        y_name="share of the class",
        y_text=lambda share: f"{100 * abs(share):g} %",
    )
    marks = [
        *_bars(plane, curves, upward, "positive"),
        *_bars(plane, curves, [-share for share in downward], "negative"),
        line(plane.at(plane.x_range[0], 0), plane.at(plane.x_range[1], 0), "axis"),
        *_words(plane, curves),
    ]
    return plane.draw(*marks, title="Scores of true outcomes (upward) and of false ones (downward)")


def _shares(counts: Sequence[int]) -> list[float]:
    return [count / max(sum(counts), 1) for count in counts]


def _bars(plane: Plane, curves: Curves, shares: Sequence[float], class_: str) -> list[Markup]:
    zero = plane.y(0)
    drawn = []
    for left, right, share in zip(curves.edges, curves.edges[1:], shares, strict=False):
        if share:
            x, width, height = plane.x(left), plane.x(right) - plane.x(left) - 1, plane.y(share)
            says = f"score {left:.3g} to {right:.3g}: {100 * abs(share):.1f} % of the {class_} outcomes"
            drawn += [box((x, min(zero, height)), (width, abs(zero - height)), class_, element("title", says))]
    return drawn


def _words(plane: Plane, curves: Curves) -> list[Markup]:
    x, bottom, top = plane.x(curves.threshold), plane.y.start, plane.y.end
    right = plane.x.end
    side = ("end", -6) if x > (plane.x.start + right) / 2 else ("start", 6)
    true, false = (f"{sum(counts):,}" for counts in (curves.positives, curves.negatives))
    return [
        line((x, bottom), (x, top), "limit"),
        label(x + side[1], bottom - 6, f"threshold {curves.threshold:.3g}", anchor=side[0], class_="tick strong"),
        label(right, top + 12, f"outcome true (n = {true})", anchor="end", class_="tick positive"),
        label(right, bottom - 22, f"outcome false (n = {false})", anchor="end", class_="tick negative"),
    ]
