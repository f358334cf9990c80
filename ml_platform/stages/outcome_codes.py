"""Outcome codes: labels as the numbers that a learner is told, where they are outcomes of the target at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.level_text import level_text

if TYPE_CHECKING:
    from ml_platform.core.traffic import Outcome
    from ml_platform.policy.spec import Task


def outcome_codes(task: Task, classes: Sequence[str], labels: Iterable[Outcome | None]) -> NDArray[np.float64]:
    """Return labels as float64, shape (n,): 0 or 1, a class's place among `classes`, or the number.

    What is missing and what is no outcome of the target (another class, a name where a number is predicted) is NaN.

    >>> outcome_codes("multiclass", ("early", "late"), ["late", "early", "lost", None]).tolist()
    [1.0, 0.0, nan, nan]
    >>> outcome_codes("binary", (), [1.0, 0.0, 7.0, "late"]).tolist()
    [1.0, 0.0, nan, nan]
    """
    match task:
        case "multiclass":
            code_of = {name: float(code) for code, name in enumerate(classes)}
            return np.array([code_of.get(level_text(each, classes), math.nan) for each in labels], dtype=np.float64)
        case "binary":
            found = _numbers(labels)
            return np.where((found == 0) | (found == 1), found, math.nan)
        case "regression" | "quantile":
            return _numbers(labels)
        case task:
            assert_never(task)


def _numbers(labels: Iterable[Outcome | None]) -> NDArray[np.float64]:
    if isinstance(labels, np.ndarray) and labels.dtype == np.float64:
        return np.where(np.isfinite(labels), labels, math.nan)
    found = [math.nan if each is None or isinstance(each, str) else float(each) for each in labels]
    values = np.array(found, dtype=np.float64)
    return np.where(np.isfinite(values), values, math.nan)
