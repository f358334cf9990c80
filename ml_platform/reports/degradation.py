"""Degradation: the chapter on how fast a model gets worse with noise and with missing values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement, number_text
from ml_platform.reports.figures import Figure
from ml_platform.reports.plane import Plane, dot
from ml_platform.reports.probe_section import HEADS, ProbeSection, measured_rows
from ml_platform.reports.svg import line, polyline

if TYPE_CHECKING:
    from markupsafe import Markup

    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

_SAID = {"degraded_auc_drop": "AUC lost", "degraded_loss_change": "growth of the loss"}
# What each kind is drawn as: title, name of the axis, how to read it.
_KINDS = {
    "noise": (
        "What does noise cost?",
        "noise, % of a standard deviation",
        "Normal noise in all numbers at once, of so much of each one's standard deviation.",
    ),
    "missing": (
        "What do missing values cost?",
        "values missing, %",
        "Values taken away at random from all features at once.",
    ),
}


def degradation_section(content: Content, measured: MeasuredRows) -> ProbeSection:
    """Return the chapter; without rows where nothing was spoilt."""
    return ProbeSection(
        name="degradation",
        title="How fast does it get worse with worse inputs?",
        note="The same holdout rows were scored again with noise in their numbers, and with values taken away.",
        heads=HEADS,
        rows=measured_rows(content, measured, _SAID),
        figures=tuple(_figures(content)),
    )


def _figures(content: Content) -> Iterator[Figure]:
    for metric, lost in _SAID.items():
        for kind, (title, axis, caption) in _KINDS.items():
            found = [one for one in content.all_of(metric) if one.facts.get("kind") == kind and one.value is not None]
            if found:
                told = f"{caption} Lines are 95 % intervals, paired by row; the curve starts at nothing lost."
                yield Figure(title=title, picture=_curve(found, axis, lost), caption=told)


def _curve(found: Sequence[Measurement], axis: str, lost: str) -> Markup:
    points = [(_level(one), one) for one in found]
    heights = [0.0, *(each for one in found for each in (one.value, one.low, one.high) if each is not None)]
    room = 0.08 * (max(heights) - min(heights)) or 0.01
    plane = Plane(
        x_range=(0.0, 1.05 * max(level for level, _ in points)),
        y_range=(min(heights) - room, max(heights) + room),
        x_name=axis,
        y_name=lost,
    )
    way = [(0.0, 0.0), *((level, one.value) for level, one in points if one.value is not None)]
    marks = [
        line(plane.at(0.0, 0.0), plane.at(plane.x_range[1], 0.0), "chance"),
        polyline([plane.at(*point) for point in way], "curve"),
    ]
    for level, one in points:
        if one.low is not None and one.high is not None:
            marks += [line(plane.at(level, one.low), plane.at(level, one.high), "interval")]
        if one.value is not None:
            says = f"{one.subject}: {number_text(one.value)} [{number_text(one.low)}, {number_text(one.high)}]"
            marks += [dot(plane.at(level, one.value), "dot", says)]
    return plane.draw(*marks, title=f"{lost} by {axis}")


def _level(one: Measurement) -> float:
    level = one.facts.get("level")
    return 100 * level if isinstance(level, int | float) else 0.0
