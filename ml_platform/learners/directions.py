"""Directions: the features in which a prediction may only rise or only fall."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from ml_platform.learners.rows import Rows
    from ml_platform.policy.spec import Learner

_SIGNS = {"increasing": 1, "decreasing": -1}


def directions(learner: Learner, rows: Rows) -> list[int] | None:
    """Return 1, -1 or 0 for each feature, in their order; None when the learner states no direction.

    Raises DataInvalid for a name that is no feature, with the nearest one, and for a category, which has no order.
    """
    if not learner.monotone:
        return None
    flaws = [flaw for name in learner.monotone if (flaw := _flaw(name, rows))]
    if flaws:
        raise DataInvalid(f"learner.monotone: {'; '.join(flaws)}; name features as the features module returns them")
    return [_SIGNS.get(learner.monotone.get(name, ""), 0) for name in rows.names]


def _flaw(name: str, rows: Rows) -> str:
    if name in rows.categorical:
        return f"{name} is a category, which has no order"
    if name in rows.names:
        return ""
    near = difflib.get_close_matches(name, rows.names, n=1)
    return f"{name!r} is no feature" + (f"; did you mean {near[0]!r}?" if near else "")
