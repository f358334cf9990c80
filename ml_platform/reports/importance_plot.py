"""Importance plot: each feature's part of all explanations, as bars with their intervals and the limits on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.reports.plain_text import one_line
from ml_platform.reports.svg import Scale, box, element, label, line, picture, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

WIDTH, ROW, NAMES, NUMBERS, MOST = 680.0, 24.0, 170.0, 54.0, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A feature's part of all explanations, its interval if it has one, and the limits that gates put on it."""

    feature: str
    value: float
    low: float | None = None
    high: float | None = None
    limits: tuple[float, ...] = ()


def importance_plot(shares: Sequence[Share]) -> Markup:
    """Return one bar per feature, largest first; those beyond twelve are added up in the last."""
    rows = most_important(shares)
    widest = max([*(bound for one in rows for bound in (one.value, one.high or 0.0, *one.limits)), 1e-9])
    scale = Scale(0.0, widest, NAMES, WIDTH - NUMBERS)
    drawn = []
    for position, one in enumerate(rows):
        drawn += _row(one, ROW * (position + 0.5) + 6, scale, rest=len(rows) < len(shares) and one is rows[-1])
    return picture(
        WIDTH, ROW * len(rows) + 12, *drawn, title="Each feature's part of all explanations", class_="plot compared"
    )


def most_important(shares: Sequence[Share]) -> list[Share]:
    """Return the shares, largest first; those beyond twelve are one, added up."""
    ordered = sorted(shares, key=lambda one: -one.value)
    shown = ordered[:MOST] if len(ordered) <= MOST + 1 else ordered[: MOST - 1]
    rest = ordered[len(shown) :]
    added = [Share(feature=f"{len(rest)} others", value=sum(one.value for one in rest))] if rest else []
    return [*shown, *added]


def _row(one: Share, middle: float, scale: Scale, *, rest: bool) -> list[Markup]:
    end, number = scale(max(one.value, one.high or 0.0)), f"{100 * one.value:.1f} %"
    drawn = [
        label(NAMES - 10, middle + 4, shortened(one_line(one.feature), NAMES - 14), anchor="end", class_="subject"),
        box(
            (NAMES, middle - 7), (scale(one.value) - NAMES, 14), "share rest" if rest else "share",
            element("title", one_line(one.feature)),
        ),
        label(end + 8, middle + 4, number, class_="note"),
    ]  # fmt: skip
    if one.low is not None and one.high is not None:
        ends = (scale(one.low), middle), (scale(one.high), middle)
        drawn += [line(*ends, "halo"), line(*ends, "whisker")]
    return [*drawn, *(line((scale(edge), middle - 10), (scale(edge), middle + 10), "limit") for edge in one.limits)]
