"""Examples: a few holdout rows that show how the model decides, each with its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.explained import Example
from ml_platform.stages.reasons import reasons
from ml_platform.stages.spread import spread

if TYPE_CHECKING:
    from ml_platform.stages.probes.subject import Subject
    from ml_platform.stages.shown_values import ShownValues


def choose_examples(subject: Subject, shown: ShownValues) -> tuple[Example, ...]:
    """Return a clear yes, a clear no and a close call; of several classes a sure and an unsure one; of numbers three.

    Rows are numbered as in the whole holdout. A clear case is the median of the tenth that is clearest: an example of
    many, not the strangest row of all.
    """
    whole = int((subject.matrix.part == "holdout").sum())
    numbers = np.flatnonzero(spread(whole, len(subject.holdout.score))) + 1
    found = []
    for kind, place in _chosen(subject):
        row = np.zeros(len(subject.holdout.score), dtype=np.bool_)
        row[place] = True
        (told,) = reasons(subject.holdout.rows_of(row), shown, classes=subject.spec.classes, first=int(numbers[place]))
        found.append(Example(kind=kind, told=told))
    return tuple(found)


def _chosen(subject: Subject) -> Iterator[tuple[str, int]]:
    holdout = subject.holdout
    score = holdout.score
    match subject.spec.learner.task:
        case "binary":
            positive = holdout.decision
            threshold = float(holdout.threshold or 0.0)
            if positive.any():
                yield "a clear yes", _in_tenth(score, positive, largest=True)
            if not positive.all():
                yield "a clear no", _in_tenth(score, ~positive, largest=False)
            yield "a close call", int(np.abs(score - threshold).argmin())
        case "multiclass":
            first, second = np.sort(score, axis=1)[:, -1], np.sort(score, axis=1)[:, -2]
            yield "a sure decision", _in_tenth(first, np.ones(len(score), dtype=np.bool_), largest=True)
            yield "a close call", int((first - second).argmin())
        case "regression" | "quantile":
            every = np.ones(len(score), dtype=np.bool_)
            yield "a high prediction", _in_tenth(score, every, largest=True)
            yield "a low prediction", _in_tenth(score, every, largest=False)
            yield "a usual prediction", int(np.argsort(score, kind="stable")[(len(score) - 1) // 2])
        case task:
            assert_never(task)


def _in_tenth(score: NDArray[np.float64], among: NDArray[np.bool_], *, largest: bool) -> int:
    """Return the place of the median of the tenth of some rows with the largest or the smallest scores."""
    places = np.flatnonzero(among)
    order = places[np.argsort(-score[places] if largest else score[places], kind="stable")]
    tenth = max(1, order.size // 10)
    return int(order[(tenth - 1) // 2])
