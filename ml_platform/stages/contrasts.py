"""Contrasts: an outcome of any task as questions with yes or no, so that one search for leaks serves them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

import numpy as np

from ml_platform.stages.matrix import Matrix

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec


def contrasts(spec: ModelSpec, learned: Matrix) -> Iterator[tuple[str, Matrix]]:
    """Yield each question with the rows and the answer as their target.

    Of two classes it is the outcome itself, of several each class against the rest, of a number whether it is above
    its median: a feature that tells the number tells that too.
    """
    match spec.learner.task:
        case "binary":
            yield "", learned
        case "multiclass":
            for code, name in enumerate(spec.classes):
                yield name, dataclasses.replace(learned, target=(learned.target == code).astype(np.float64))
        case "regression" | "quantile":
            above = learned.target > np.median(learned.target)
            yield "above the median", dataclasses.replace(learned, target=above.astype(np.float64))
        case task:
            assert_never(task)


def asked_of(subject: str, question: str) -> str:
    """Name what was measured and the question, if there is more than one.

    >>> asked_of("distance", ""), asked_of("distance", "late")
    ('distance', 'distance (late)')
    """
    return f"{subject} ({question})" if question else subject
