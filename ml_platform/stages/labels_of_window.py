"""The labels of a window: each scored prediction with the outcome that came for it, what can't be true left out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.traffic import Outcome, Prediction

if TYPE_CHECKING:
    from ml_platform.core.traffic import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The predictions of a window, each once, by id; what the log repeated, and what it said again otherwise."""

    predictions: tuple[Prediction, ...]
    repeated: int
    contrary: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Outcomes by prediction id.

    `left_out` counts the labels that weren't joined, by reason; `contradicted` the joined ones that a later word
    contradicted: the first word stands.
    """

    outcomes: Mapping[str, Outcome]
    left_out: Mapping[str, int]
    contradicted: int


def served_once(predictions: Iterable[Prediction]) -> Served:
    """Return each prediction once, ordered by id: of contrary lines with one id the first that was answered stands."""
    found: dict[str, Prediction] = {}
    repeated = contrary = 0
    for one in predictions:
        known = found.get(one.id)
        if known is None:
            found[one.id] = one
            continue
        repeated += known == one
        contrary += known != one
        if one.at < known.at:
            found[one.id] = one
    return Served(predictions=tuple(found[key] for key in sorted(found)), repeated=repeated, contrary=contrary)


def join_labels(
    served: Sequence[Prediction], labels: Mapping[str, Label], conflicting: Collection[str], now: dt.datetime
) -> Joined:
    """Join each scored prediction with its label; a label that can't be true yet, or never could be, is left out.

    A label of a prediction that isn't among the served is left alone: it belongs to another window, or to none.
    """
    outcomes: dict[str, Outcome] = {}
    left_out: Counter[str] = Counter()
    for one in served:
        label = labels.get(one.id)
        if label is None or one.abstained:  # what came of a row without a prediction says nothing against the label
            continue
        reason = _why_not(one, label, now)
        if reason:
            left_out[reason] += 1
        else:
            outcomes[one.id] = label.label
    contradicted = sum(name in outcomes for name in conflicting)
    return Joined(outcomes=outcomes, left_out=dict(sorted(left_out.items())), contradicted=contradicted)


def _why_not(prediction: Prediction, label: Label, now: dt.datetime) -> str:
    if prediction.score is None:
        return "labels_of_refused_requests"
    if label.at > now:
        return "labels_from_the_future"
    if label.at < min(prediction.at, prediction.event_time):
        return "labels_known_before_the_prediction"
    return ""
