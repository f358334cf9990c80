"""k-anonymity: the fewest persons whom the columns can't tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.equivalence_classes import class_sizes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def k_anonymity(*columns: ArrayLike, entity: ArrayLike | None = None, subject: str = "") -> Measurement:
    """Return the size of the smallest class of persons with the same values in all columns; a full count.

    The columns, at least one, have the shape (n,); missing is a value of its own. With `entity`, shape (n,), a person
    is counted once. Fact `alone`: rows whose person nobody shares a class with. Undefined without rows. ValueError when
    lengths differ. Source: Samarati and Sweeney 1998, Protecting privacy when disclosing information.

    >>> k_anonymity(["a", "a", "b", "b", "b"]).text()
    'k_anonymity = 2 persons (n = 5)'
    """
    sizes = class_sizes(*columns, entity=entity)
    return Measurement(
        metric="k_anonymity",
        value=float(sizes.min()) if sizes.size else None,
        n=sizes.size,
        unit="persons",
        subject=subject,
        reason="" if sizes.size else "no rows",
        facts={"alone": int((sizes == 1).sum())} if sizes.size else {},
    )
