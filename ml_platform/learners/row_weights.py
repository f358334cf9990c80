"""Row weights: how much each row counts in training, from its own weight and its class's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.rows import Rows

if TYPE_CHECKING:
    from ml_platform.policy.spec import Learner

Floats = NDArray[np.float64]


def class_weights(learner: Learner, train: Rows) -> Floats | None:
    """Return the weight of each class, shape (K,), as the training rows and the learner have it; None without any.

    `balanced` gives every class the same total weight: n / (K · n of the class), rows counted by their own weight. A
    class that a mapping doesn't name weighs 1. Raises DataInvalid for a name that is no class.
    """
    said = learner.class_weight
    if said is None:
        return None
    names = train.classes
    if said == "balanced":
        counts = np.bincount(train.target.astype(np.int64), weights=train.weight, minlength=len(names))
        if not counts.all():
            absent = names[int(np.argmin(counts))]
            message = f"learner.class_weight: the rows of class {absent} weigh nothing; remove class_weight: balanced"
            raise DataInvalid(message)
        return np.asarray(counts.sum() / (len(names) * counts), dtype=np.float64)
    unknown = [name for name in said if name not in names]
    if unknown:
        message = f"learner.class_weight names {', '.join(unknown)}; the classes are {', '.join(names) or 'none'}"
        raise DataInvalid(message)
    return np.array([said.get(name, 1.0) for name in names])


def row_weights(rows: Rows, by_class: Floats | None) -> Floats | None:
    """Return each row's weight, shape (n,): its own times its class's; None when all count the same."""
    if by_class is None:
        return rows.weight
    weight = by_class[rows.target.astype(np.int64)]
    return weight if rows.weight is None else weight * rows.weight
