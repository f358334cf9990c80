"""The classes of a report, one line each: how many rows, how many are found, how many decisions are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.reports.explanation import interval_text
from ml_platform.reports.gate_rows import shown_value
from ml_platform.reports.measured_rows import EVALUATION

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

# How a column is headed, the metric of a class in it, and that of the mean over classes.
COLUMNS = (
    ("Recall", "class_recall", "macro_recall"),
    ("Precision", "class_precision", "macro_precision"),
    ("F1", "class_f1", "macro_f1"),
    ("AUC, one against the rest", "class_roc_auc", "macro_roc_auc"),
)
HEADS = ("Class", "Rows", "Decided", *(name for name, _, _ in COLUMNS))
MEAN = "mean over classes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCell:
    """One number of a class with its interval; `anchor` leads to its row, `why` says why it is undefined."""

    number: str
    interval: str
    anchor: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """One class: its rows on the holdout, the decisions for it, and its numbers in the order of the columns."""

    name: str
    rows: str
    decided: str
    cells: tuple[ClassCell, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the row as plain texts under the heads."""
        said = (f"{cell.number} {cell.interval}".rstrip() for cell in self.cells)
        return (self.name, self.rows, self.decided, *said)


def class_rows(content: Content, measured: MeasuredRows) -> tuple[ClassRow, ...]:
    """Return a row per class in the model's order, then their mean; nothing where no classes were measured."""
    found = {(one.metric, one.subject): one for one in content.measurements}
    names = [one.subject for one in content.all_of("class_recall")]
    if not names:
        return ()
    rows = [
        ClassRow(
            name=name,
            rows=_count(found.get(("class_recall", name))),
            decided=_count(found.get(("class_precision", name))),
            cells=tuple(_cell(found.get((metric, name)), measured) for _, metric, _ in COLUMNS),
        )
        for name in names
    ]
    means = tuple(_cell(found.get((metric, "")), measured) for _, _, metric in COLUMNS)
    holdout = f"{content.evaluation.rows:,}"
    return (*rows, ClassRow(name=MEAN, rows=holdout, decided=holdout, cells=means))


def _count(found: Measurement | None) -> str:
    """Return the rows behind a share: those of the class behind its recall, those decided behind its precision."""
    return "-" if found is None else f"{found.n:,}"


def _cell(found: Measurement | None, measured: MeasuredRows) -> ClassCell:
    if found is None:
        return ClassCell(number="-", interval="", anchor="", why="not measured")
    anchor = measured.anchor(EVALUATION, found)
    return ClassCell(number=shown_value(found), interval=interval_text(found), anchor=anchor, why=found.reason)
