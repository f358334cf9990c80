"""Misled: the chapter on what it takes to mislead a model, and whether that would be noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.probe_section import HEADS, ProbeSection, measured_rows

if TYPE_CHECKING:
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

_SAID = {
    "adversarial_flip_share": "decisions that feasible moves flip",
    "smallest_flipping_move": "median length of the moves that flip them",
    "largest_feasible_move": "how far feasible moves bring a prediction",
    "ood_detection_rate": "rows noticed as unusual",
    "ood_detected_share": "rows noticed as unusual, all of these together",
    "ood_false_alarm_share": "clean rows taken for unusual",
}
_UNSAID = "The model file says of no column that its subjects could change it (evaluation.movable)."


def misled_section(content: Content, measured: MeasuredRows) -> ProbeSection:
    """Return the chapter; without rows where nothing of it was tried."""
    return ProbeSection(
        name="misled",
        title="What misleads it, and would it be noticed?",
        note="Subjects were moved as far as the model file says that they could move themselves; and rows were put "
        "into worlds where something is wrong with every one of them, to see whether they look unusual.",
        heads=HEADS,
        rows=measured_rows(content, measured, _SAID),
        words=tuple(_words(content)),
    )


def _words(content: Content) -> list[str]:
    moved = [*content.all_of("adversarial_flip_share"), *content.all_of("largest_feasible_move")]
    columns = next((one.facts["movable_columns"] for one in moved if "movable_columns" in one.facts), None)
    if columns:
        return [f"Movable: {columns}. Up to three of them were moved together."]
    return [] if moved or not content.all_of("ood_detected_share") else [_UNSAID]
