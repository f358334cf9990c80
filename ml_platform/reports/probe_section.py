"""Probe section: a chapter of the report about what a full evaluation tried out, in words, a table and plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement, number_text
from ml_platform.policy.by_chance import NOTHING
from ml_platform.reports.explanation import interval_text
from ml_platform.reports.figures import Figure
from ml_platform.reports.measured_rows import EVALUATION

if TYPE_CHECKING:
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A table's cell; `anchor` links to the measurement that it is from."""

    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSection:
    """A title, how to read it, a table whose first column says what is measured, what it means, and plots."""

    name: str
    title: str
    note: str
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    words: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()


HEADS = ("", "seen", "95 % interval", "rows")


def measured_row(said: str, one: Measurement, measured: MeasuredRows) -> tuple[Cell, ...]:
    """Return a measurement as a row under `HEADS`: what it says in words, its number, interval and sample size."""
    unit = f" {one.unit}" if one.unit else ""
    missing = "not applicable" if one.reason == NOTHING else "undefined"
    seen = f"{missing}: {one.reason}" if one.value is None else f"{number_text(one.value)}{unit}"
    anchor = measured.anchor(EVALUATION, one)
    return Cell(text=said), Cell(text=seen, anchor=anchor), Cell(text=interval_text(one)), Cell(text=f"{one.n:,}")


def measured_rows(content: Content, measured: MeasuredRows, said: dict[str, str]) -> tuple[tuple[Cell, ...], ...]:
    """Return the rows of metrics that the evaluation holds, each with its words."""
    return tuple(
        measured_row(f"{words}{f': {one.subject}' if one.subject else ''}", one, measured)
        for metric, words in said.items()
        for one in content.all_of(metric)
    )
