"""Confusion plot: how many rows of each class were decided to be which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.svg import box, element, label, picture, shortened

if TYPE_CHECKING:
    from markupsafe import Markup

    from ml_platform.core.curves import ClassCurves

NAMES, CELL, HEIGHT, HEAD = 120.0, 84.0, 40.0, 46.0


def confusion_plot(curves: ClassCurves) -> Markup:
    """Return the counts as a grid, outcomes down and decisions across; bars say the share of the outcome's rows."""
    size = len(curves.classes)
    width, height = NAMES + CELL * size + 10, HEAD + HEIGHT * size + 10
    drawn = [label(NAMES + CELL * size / 2, 14, "decided", anchor="middle", class_="name")]
    for column, name in enumerate(curves.classes):
        middle = NAMES + CELL * (column + 0.5)
        drawn += [label(middle, HEAD - 10, shortened(name, CELL - 6), anchor="middle", class_="subject")]
    for place, (name, row) in enumerate(zip(curves.classes, curves.confusion, strict=True)):
        top = HEAD + HEIGHT * place
        drawn += [label(NAMES - 10, top + 24, shortened(name, NAMES - 14), anchor="end", class_="subject")]
        for column, count in enumerate(row):
            left, share = NAMES + CELL * column, count / max(sum(row), 1)
            says = f"{name} decided {curves.classes[column]}: {count:,} rows, {100 * share:.1f} % of {name}"
            kind = "share" if place == column else "share rest"
            drawn += [
                box((left + 3, top + HEIGHT - 8), ((CELL - 6) * share, 5), kind, element("title", says)),
                label(left + CELL / 2, top + 22, f"{count:,}", anchor="middle", class_="note"),
            ]
    return picture(width, height, *drawn, title="Rows by class (down) and decision (across)")
