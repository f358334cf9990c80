"""Pictures for Dagster's pages: a report's plots as images that carry their style with them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, assert_never

import msgspec

if TYPE_CHECKING:
    from ml_platform.core.curves import AnyCurves
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import EvaluationRecord
    from ml_platform.policy.spec import Task

_DRAWN = (
    "svg ", "rect.", ".grid", ".axis", ".track", ".limit", ".dot", ".plot .interval", ".passed {", ".failed {",
    ".undecided {",
)  # fmt: skip
# Inside an image the page's theme is unknown, so that pictures are always the light ones.
_DARK = "@media screen and (prefers-color-scheme: dark)"


def evaluation_pictures(task: Task, store: ArtefactStore, evaluation: EvaluationRecord) -> str:
    """Return an evaluation's main plots as Markdown images: those that say how good its scores are."""
    from ml_platform.reports.content import kind_of_curves
    from ml_platform.reports.html import TEMPLATES

    kind = kind_of_curves(task)
    curves = msgspec.json.decode(store.read("evaluations", evaluation.digest, "curves.json"), type=kind)
    plots = _plots(curves)
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return "\n\n".join(f"**{name}**\n\n{image(name, str(svg), style)}" for name, svg in plots.items())


def _plots(curves: AnyCurves) -> dict[str, str]:
    from ml_platform.core.curves import ClassCurves, Curves, NumberCurves
    from ml_platform.reports.calibration_plot import calibration_plot
    from ml_platform.reports.confusion_plot import confusion_plot
    from ml_platform.reports.numbers_plot import errors_plot, predicted_plot
    from ml_platform.reports.roc_plot import roc_plot

    match curves:
        case Curves():
            return {"ROC curve": roc_plot(curves), "Calibration": calibration_plot(curves)}
        case NumberCurves():
            return {"Outcomes by prediction": predicted_plot(curves), "Errors": errors_plot(curves)}
        case ClassCurves():
            return {"Classes and decisions": confusion_plot(curves), "Calibration": calibration_plot(curves)}
        case _:
            assert_never(curves)


def plot_style() -> str:
    """Return the part of the style sheet that plots need: its colours and the rules on what they draw."""
    from ml_platform.reports.html import TEMPLATES

    lines = (TEMPLATES / "report.css").read_text(encoding="utf-8").splitlines()
    colours = lines[: lines.index("}") + 1]
    return "\n".join([*colours, *(line for line in lines if line.startswith(_DRAWN))])


def image(name: str, svg: str, css: str) -> str:
    """Return an SVG as a Markdown image in itself, with the style sheet inside."""
    inside = f"{css.replace(_DARK, '@media not all')} svg {{ font: 12px sans-serif }}"  # an image has no page around it
    named = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    whole = named.replace(">", f"><style>{inside}</style>", 1)
    return f"![{name}](data:image/svg+xml;base64,{base64.b64encode(whole.encode()).decode()})"
