"""Equivalence classes: rows that can't be told apart by some columns, and how many persons each class holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import require_same_length
from ml_platform.stats.levels import levels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def class_sizes(*columns: ArrayLike, entity: ArrayLike | None = None) -> NDArray[np.intp]:
    """Return for each row how many persons share its values in all columns, each of shape (n,); missing is a value.

    With `entity`, shape (n,), persons are counted once however many rows they have; without it each row is a person.
    ValueError without columns and when lengths differ.

    >>> class_sizes(["a", "a", "b"], [1, 1, 1]).tolist(), class_sizes(["a", "a", "b"], entity=[7, 7, 7]).tolist()
    ([2, 2, 1], [1, 1, 1])
    """
    if not columns:
        message = "columns: there are none; at least one is needed to tell rows apart by; pass it"
        raise ValueError(message)
    coded = {f"columns[{place}]": levels(values).codes for place, values in enumerate(columns)}
    persons = {} if entity is None else {"entity": levels(entity, "entity").codes}
    require_same_length(**coded, **persons)
    classes = np.zeros(next(iter(coded.values())).size, dtype=np.intp)
    for codes in coded.values():
        classes = _numbered(classes, codes)
    members = classes if entity is None else np.unique(np.column_stack([classes, persons["entity"]]), axis=0)[:, 0]
    return np.bincount(members, minlength=1)[classes].astype(np.intp)


def _numbered(classes: NDArray[np.intp], codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give the pairs of a class and a code their numbers."""
    pairs = classes * (int(codes.max(initial=0)) + 1) + codes
    found: NDArray[np.intp] = np.unique(pairs, return_inverse=True)[1].reshape(-1)
    return found
