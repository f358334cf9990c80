"""Small class share: how many rows belong to persons whom the columns all but single out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.equivalence_classes import class_sizes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def small_class_share(
    *columns: ArrayLike, k: int = 5, entity: ArrayLike | None = None, subject: str = ""
) -> Measurement:
    """Return the share of rows in classes of fewer than k persons with the same values in all columns; a full count.

    The columns, at least one, have the shape (n,); missing is a value of its own. With `entity`, shape (n,), a person
    is counted once. Undefined without rows. ValueError when lengths differ. Source: Samarati and Sweeney 1998,
    Protecting privacy when disclosing information.

    >>> small_class_share(["a", "a", "b", "b", "b"], k=3).text()
    'small_class_share = 0.4 share (n = 5)'
    """
    sizes = class_sizes(*columns, entity=entity)
    found = Measurement(
        metric="small_class_share", value=None, n=sizes.size, unit="share", subject=subject, reason="no rows"
    )
    if not sizes.size:
        return found
    return dataclasses.replace(found, value=float((sizes < k).mean()), reason="", facts={"k": k})
