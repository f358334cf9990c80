"""Reasons plot: what each feature did to one row's score, as bars to either side of nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.reports.reason_words import feature_text, reason_text
from ml_platform.reports.svg import Scale, box, element, label, line, picture, shortened

if TYPE_CHECKING:
    from markupsafe import Markup

    from ml_platform.core.explained import Explained

WIDTH, ROW, NAMES, NUMBERS = 352.0, 24.0, 160.0, 62.0


def reasons_plot(one: Explained) -> Markup:
    """Return a bar per reason, to the right where it raises the score, and one for all other features together."""
    rows = [(feature_text(each), each.contribution, reason_text(each, one.unit)) for each in one.reasons]
    if one.features_left:
        others = f"{one.features_left} other features"
        rows.append((others, one.others, f"{others} together: {number_text(one.others)}"))
    low, high = (pick([0.0, *(moved for _, moved, _ in rows)]) for pick in (min, max))
    room = NUMBERS if low < 0 else 4.0
    scale = Scale(low, high if high > low else low + 1.0, NAMES + room, WIDTH - (NUMBERS if high > 0 else 4.0))
    drawn = []
    for position, (name, moved, says) in enumerate(rows):
        middle = ROW * (position + 0.5) + 6
        left, right = sorted((scale(0.0), scale(moved)))
        side = {"x": right + 6} if moved > 0 else {"x": left - 6}
        drawn += [
            label(NAMES - 8, middle + 4, shortened(name, NAMES - 10), anchor="end", class_="subject"),
            box(
                (left, middle - 7), (right - left, 14), "positive" if moved > 0 else "negative",
                element("title", says),
            ),
            label(side["x"], middle + 4, f"{moved:+.3g}", anchor="start" if moved > 0 else "end", class_="note"),
        ]  # fmt: skip
    height = ROW * len(rows) + 12
    drawn.append(line((scale(0.0), 2.0), (scale(0.0), height - 2.0), "axis"))
    return picture(WIDTH, height, *drawn, title="What moved the score")
