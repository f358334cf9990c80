"""SVG by hand: escaped elements, linear scales and round ticks; colours come from the page's style sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup, escape

from ml_platform.reports.plain_text import one_line

LONGEST_TITLE = 200
TEXT_WIDTH = 6.6  # of a letter at the plots' font size of 12, about


def element(name: str, /, *children: str, **attributes: str | float) -> Markup:
    """Return an element; text and attributes are escaped, `class_` and `stroke_width` lose and change their underscore.

    >>> str(element("text", "a<b", x=1.5, class_="tick"))
    '<text x="1.5" class="tick">a&lt;b</text>'
    """
    given = "".join(f' {key.strip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    inner = Markup("").join(escape(child) for child in children)
    return Markup(f"<{name}{given}>{inner}</{name}>") if children else Markup(f"<{name}{given}/>")  # noqa: S704  escaped


def _value(value: str | float) -> str:
    return str(escape(value)) if isinstance(value, str) else place(value)


def place(value: float) -> str:
    """Write a coordinate: two decimals are finer than any screen.

    >>> place(3.0), place(1.006), place(-0.0001)
    ('3', '1.01', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def picture(width: float, height: float, *children: str, title: str, class_: str = "plot") -> Markup:
    """Return a picture that scales to its column and says its title to those who don't see it."""
    view = f"0 0 {place(width)} {place(height)}"
    inner = (element("title", one_line(title, LONGEST_TITLE)), *children)
    return element("svg", *inner, class_=class_, role="img", viewBox=view, width=width, height=height)


def label(x: float, y: float, text: str, *, anchor: str = "start", class_: str = "tick", **more: str | float) -> Markup:
    """Return a text at a place."""
    return element("text", text, x=x, y=y, text_anchor=anchor, class_=class_, **more)


def line(start: tuple[float, float], end: tuple[float, float], class_: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def box(corner: tuple[float, float], size: tuple[float, float], class_: str, *children: str) -> Markup:
    """Return a rectangle; a negative size becomes none."""
    width, height = (max(length, 0.0) for length in size)
    return element("rect", *children, x=corner[0], y=corner[1], width=width, height=height, class_=class_)


def polyline(points: list[tuple[float, float]], class_: str) -> Markup:
    """Return a line through points."""
    return element("polyline", points=" ".join(f"{place(x)},{place(y)}" for x, y in points), class_=class_)


def polygon(points: list[tuple[float, float]], class_: str, *children: str) -> Markup:
    """Return an area within points."""
    places = " ".join(f"{place(x)},{place(y)}" for x, y in points)
    return element("polygon", *children, points=places, class_=class_)


def shortened(text: str, width: float) -> str:
    """Return text that fits into a width, with an ellipsis where it was cut.

    >>> shortened("a very long name", 50)
    'a very…'
    """
    room = max(1, int(width / TEXT_WIDTH))
    return text if len(text) <= room else f"{text[: room - 1].rstrip()}…"


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values of [low, high] to places from `start` to `end`; values outside are put on the edge."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def ticks(low: float, high: float, about: int = 5) -> tuple[float, ...]:
    """Return round values within [low, high], about as many as asked for.

    >>> ticks(0.0, 1.0), ticks(0.62, 0.81, 4)
    ((0.0, 0.2, 0.4, 0.6, 0.8, 1.0), (0.65, 0.7, 0.75, 0.8))
    """
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return ()
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda size: abs(size * power - rough))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(count * step, 12) for count in range(first, last + 1))
