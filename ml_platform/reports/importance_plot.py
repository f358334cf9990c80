"""Importance plot: each feature's part of all explanations, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.svg import Scale, box, element, label, picture, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

WIDTH, ROW, NAMES, NUMBERS, MOST = 460.0, 24.0, 150.0, 54.0, 12


def importance_plot(importance: Mapping[str, float]) -> Markup:
    """Return one bar per feature, largest first; those beyond twelve are added up in the last."""
    ordered = sorted(importance.items(), key=lambda item: -item[1])
    shown = ordered[:MOST] if len(ordered) <= MOST + 1 else ordered[: MOST - 1]
    rest = ordered[len(shown) :]
    rows = [*shown, *([(f"{len(rest)} others", sum(share for _, share in rest))] if rest else [])]
    scale = Scale(0.0, max([*(share for _, share in rows), 1e-9]), NAMES, WIDTH - NUMBERS)
    drawn = []
    for position, (name, share) in enumerate(rows):
        middle = ROW * (position + 0.5) + 6
        class_ = "share rest" if rest and position == len(rows) - 1 else "share"
        drawn += [
            label(NAMES - 10, middle + 4, shortened(name, NAMES - 14), anchor="end", class_="subject"),
            box((NAMES, middle - 7), (scale(share) - NAMES, 14), class_, element("title", name)),
            label(scale(share) + 8, middle + 4, f"{100 * share:.1f} %", class_="note"),
        ]
    return picture(WIDTH, ROW * len(rows) + 12, *drawn, title="Each feature's part of all explanations")
