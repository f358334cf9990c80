"""Interval bar: a measurement with its interval against the limit, small enough for a line of a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from ml_platform.reports.svg import Scale, box, element, line, picture

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.reports.limits import Allowed

WIDTH, HEIGHT, MIDDLE = 150.0, 22.0, 11.0


def interval_bar(measurement: Measurement, allowed: Allowed, tone: str) -> Markup:
    """Return the bar: what is allowed as a band with its limits, the interval as a line, the value as a dot.

    `tone` is the style class of the verdict. Empty when there is no value.
    """
    if measurement.value is None:
        return Markup("")
    bounds = [bound for bound in (measurement.low, measurement.high) if bound is not None]
    scale = Scale(*span([measurement.value, *bounds, *allowed.edges]), 3.0, WIDTH - 3.0)
    start = scale.start if allowed.low is None else scale(allowed.low)
    end = scale.end if allowed.high is None else scale(allowed.high)
    drawn = [box((0, MIDDLE - 7), (WIDTH, 14), "track"), box((start, MIDDLE - 7), (end - start, 14), "allowed")]
    drawn += [line((scale(edge), 1), (scale(edge), HEIGHT - 1), "limit") for edge in allowed.edges]
    if bounds:
        ends = [scale(bound) for bound in (min(bounds), max(bounds))]
        drawn += [line((ends[0], MIDDLE), (ends[1], MIDDLE), f"interval {tone}")]
        drawn += [line((end, MIDDLE - 3.5), (end, MIDDLE + 3.5), f"interval {tone}") for end in ends]
    drawn += [element("circle", cx=scale(measurement.value), cy=MIDDLE, r=3.6, class_=f"dot {tone}")]
    return picture(WIDTH, HEIGHT, *drawn, title=measurement.text(), class_="bar")


def span(values: list[float], margin: float = 0.12) -> tuple[float, float]:
    """Return a range that holds all values with a margin; one unit around a single value.

    >>> span([1.0, 2.0], 0.5), span([3.0])
    ((0.5, 2.5), (2.0, 4.0))
    """
    low, high = min(values), max(values)
    room = (high - low) * margin
    return (low - room, high + room) if room > 0 and math.isfinite(room) else (low - 1.0, high + 1.0)
