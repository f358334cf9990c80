"""The figures of a report: each a plot with a title and a caption that says how to read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from ml_platform.core.curves import ClassCurves, Curves, NumberCurves
from ml_platform.core.measurement import number_text
from ml_platform.reports.calibration_plot import calibration_plot
from ml_platform.reports.confusion_plot import confusion_plot
from ml_platform.reports.explanation import interval_text
from ml_platform.reports.numbers_plot import errors_plot, predicted_plot, residual_plot
from ml_platform.reports.roc_plot import roc_plot
from ml_platform.reports.score_plot import score_plot

if TYPE_CHECKING:
    from ml_platform.reports.content import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A plot (SVG) with its title, and a caption in plain words."""

    title: str
    picture: str
    caption: str


def curve_figures(content: Content) -> tuple[Figure, ...]:
    """Return the plots of the scores, those that the evaluation holds curves for."""
    match content.curves:
        case None:
            return ()
        case Curves() as curves:
            return tuple(_of_scores(content, curves))
        case NumberCurves() as curves:
            return tuple(_of_numbers(curves))
        case ClassCurves() as curves:
            return tuple(_of_classes(curves))
        case curves:
            assert_never(curves)


def _of_numbers(curves: NumberCurves) -> Iterator[Figure]:
    yield Figure(
        title="Does it happen as predicted?",
        picture=predicted_plot(curves),
        caption="Each dot is a bin of holdout rows with similar predictions: their median outcome, and the range of "
        "nine in ten. On the dashed line, what was predicted is what happened.",
    )
    yield Figure(
        title="Where is it off, and in which direction?",
        picture=residual_plot(curves),
        caption="The same bins as distance from the prediction. Dots above the line were predicted too low, dots below "
        "too high.",
    )
    yield Figure(
        title="How large are the errors?",
        picture=errors_plot(curves),
        caption="The share of rows by error; right of the line the prediction was too high. The outermost hundredth on "
        "each side is in the last bars.",
    )


def _of_classes(curves: ClassCurves) -> Iterator[Figure]:
    yield Figure(
        title="Which class is taken for which?",
        picture=confusion_plot(curves),
        caption="Holdout rows by what they were (down) and what was decided (across). A bar is the share of the row's "
        "class; on the diagonal the decision is right.",
    )
    if curves.calibration:
        yield Figure(
            title="Is the decided class as sure as it says?",
            picture=calibration_plot(curves),
            caption="Each dot is a bin of holdout rows whose decided class had a similar probability. On the dashed "
            "line it was right as often as predicted; the bars are 95 % intervals.",
        )


def _of_scores(content: Content, curves: Curves) -> Iterator[Figure]:
    if curves.roc:
        yield _roc(content, curves)
    if curves.calibration:
        yield Figure(
            title="Do probabilities mean what they say?",
            picture=calibration_plot(curves),
            caption="Each dot is a bin of holdout rows with similar scores. On the dashed line, what was predicted "
            "is what happened; the bars are 95 % intervals.",
        )
    if sum(curves.positives) + sum(curves.negatives) and len(curves.edges) > 1:
        yield Figure(
            title="How are scores spread?",
            picture=score_plot(curves),
            caption="Upward the rows whose outcome was true, downward the others, each as a share of its class. "
            "Scores right of the line are decided positive.",
        )


def _roc(content: Content, curves: Curves) -> Figure:
    area, rates = content.found("roc_auc"), content.found("balanced_accuracy")
    text = "" if area is None else f"AUC {number_text(area.value)} {interval_text(area)}".rstrip()
    found = {} if rates is None else rates.facts
    hit, spared = found.get("true_positive_rate"), found.get("true_negative_rate")
    known = isinstance(hit, float) and isinstance(spared, float)
    chosen = (1.0 - float(spared), float(hit)) if known and spared is not None and hit is not None else None
    return Figure(
        title="How well does it tell outcomes apart?",
        picture=roc_plot(curves, area=text, chosen=chosen),
        caption="How many true outcomes are found (upward) at the price of how many false alarms (rightward), at "
        "every threshold. The dashed line is chance.",
    )
