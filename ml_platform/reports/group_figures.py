"""Figures of the groups of people: their rates side by side, and each comparison against the gates' limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml_platform.reports.figures import Figure
from ml_platform.reports.forest_plot import Forest, forest_plot
from ml_platform.reports.forest_rows import forest_row, reading
from ml_platform.reports.limits import limits_on
from ml_platform.reports.measured_rows import EVALUATION
from ml_platform.reports.rates_plot import RatesRow, rates_plot

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

_RATES = {
    "selection_rate_ratio": "decided positive",
    "true_positive_rate_difference": "true outcomes found",
    "false_positive_rate_difference": "false alarms",
    "class_selection_rate_difference": "decided {}",
    "class_recall_difference": "of {}, found",
}
# Metric, title, how to read it.
_COMPARISONS = (
    (
        "selection_rate_ratio",
        "Is every group selected alike?",
        "The smaller share of positive decisions over the larger; 1 is equal.",
    ),
    (
        "intersection_selection_rate_ratio",
        "Is every combination of groups selected alike?",
        "The smaller share of positive decisions over the larger; few people share several attributes.",
    ),
    (
        "true_positive_rate_difference",
        "Are true outcomes found alike in every group?",
        "The distance of the groups' true-positive rates; 0 is equal.",
    ),
    (
        "false_positive_rate_difference",
        "Do false alarms fall on every group alike?",
        "The distance of the groups' false-positive rates; 0 is equal.",
    ),
    (
        "group_auc_gap",
        "Is every group ranked alike?",
        "The distance of the groups' areas under the ROC curve; 0 is equal.",
    ),
    (
        "group_loss_gap",
        "Is every group predicted equally well?",
        "The distance of the groups' mean losses, as a part of the mean loss of all; 0 is equal.",
    ),
    (
        "intersection_group_loss_gap",
        "Is every combination of groups predicted equally well?",
        "The same distance; few people share several attributes.",
    ),
    (
        "group_bias_gap",
        "Do errors lean the same way in every group?",
        "The distance of the groups' mean errors, as a part of the mean absolute error of all; 0 is equal.",
    ),
    (
        "group_accuracy_gap",
        "Is every group's class decided right alike?",
        "The distance of the groups' shares of right decisions; 0 is equal.",
    ),
    (
        "class_selection_rate_difference",
        "Is every class decided alike often in every group?",
        "The distance of the groups' shares of decisions for a class; 0 is equal.",
    ),
    (
        "class_recall_difference",
        "Is every class found alike in every group?",
        "The distance of the groups' shares of a class's rows that are found; 0 is equal.",
    ),
)


def group_figures(content: Content, measured: MeasuredRows) -> tuple[Figure, ...]:
    """Return the rates of all groups, then a forest plot per fairness metric; nothing when there are no groups."""
    return (*_rates(content), *_comparisons(content, measured))


def _rates(content: Content) -> Iterator[Figure]:
    rows = list(_rates_rows(content))
    if rows:
        yield Figure(
            title="How are groups treated?",
            picture=rates_plot(rows, title="Rates by group"),
            caption=_caption(content),
        )


def _caption(content: Content) -> str:
    sure = "The comparisons below say how sure the gaps are."
    if content.all_of("class_selection_rate_difference"):
        return f"Of all rows of a group, those decided to be of a class; of its rows of the class, those found. {sure}"
    return (
        "Of all rows of a group, those decided positive; of its true outcomes, those found; of its other rows, the "
        f"false alarms. {sure}"
    )


def _rates_rows(content: Content) -> Iterator[RatesRow]:
    attributes: dict[str, dict[str, dict[str, float]]] = {}
    for metric, name in _RATES.items():
        for one in content.all_of(metric):
            said = name.format(one.facts.get("class", ""))
            for group, rate in _pair(one).items():
                attribute, _, level = group.partition("=")
                attributes.setdefault(attribute, {}).setdefault(said, {})[level] = rate
    for attribute, kinds in attributes.items():
        yield RatesRow(name=attribute, rates={})
        yield from (RatesRow(name=name, rates=dict(sorted(rates.items()))) for name, rates in kinds.items())


def _pair(one: Measurement) -> dict[str, float]:
    """Return both groups' own rates by the groups' names; empty when they weren't measured."""
    of_class = one.facts.get("class")
    names = one.subject.removeprefix(f"{of_class}: " if of_class else "").split(" vs ")
    rates = [one.facts.get("group"), one.facts.get("reference")]
    numbers = [float(rate) for rate in rates if isinstance(rate, int | float)]
    return dict(zip(names, numbers, strict=True)) if len(names) == len(numbers) == 2 else {}


def _comparisons(content: Content, measured: MeasuredRows) -> Iterator[Figure]:
    for metric, title, caption in _COMPARISONS:
        found = content.all_of(metric)
        if found:
            rows = [forest_row(one, measured, note=_note(one)) for one in found]
            forest = Forest(rows=rows, limits=limits_on(metric, EVALUATION, content.policy), name=title)
            yield Figure(title=title, picture=forest_plot(forest), caption=f"{caption} {reading(forest)}")


def _note(one: Measurement) -> str:
    return one.reason if one.value is None else f"{one.value:.3f} (n = {one.n:,})"
