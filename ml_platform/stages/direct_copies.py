"""Direct copies: features that hold a directly identifying column under another name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.policy.spec import PersonalData, Role

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml_platform.policy.spec import ModelSpec

ROWS = 5_000
LEAST_PERSONS = 20
SAME_SHARE = 0.5
_REPEATED_SHARE = 0.9


def copies_of_direct(spec: ModelSpec, frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the feature columns that hold a direct column of the same frame, as text or as one code for each.

    A code shows only where persons repeat: it then has one value for each person and tells all of them apart.
    Looked at are at most 5,000 evenly spaced rows. A summary of a person's column (a domain, an initial) is no copy.
    """
    rows = frame.iloc[:: max(1, -(-len(frame) // ROWS))]
    direct = [name for name, column in spec.contract.items() if column.personal_data is PersonalData.DIRECT]
    features = [name for name in spec.columns(Role.FEATURE) if name in rows.columns and name not in direct]
    named = [rows[name] for name in direct if name in rows.columns]
    return tuple(name for name in features if any(_is_copy(rows[name], person) for person in named))


def _is_copy(feature: pd.Series, person: pd.Series) -> bool:
    both = (feature.notna() & person.notna()).to_numpy()
    if not both.any():
        return False
    return _same_text(feature[both], person[both]) or _same_persons(feature[both], person[both])


def _same_text(feature: pd.Series, person: pd.Series) -> bool:
    first, second = _plain(feature), _plain(person)
    persons = len(set(second))
    same = sum(one == other for one, other in zip(first, second, strict=True))
    return persons >= min(LEAST_PERSONS, len(second)) and same >= SAME_SHARE * len(second)


def _plain(values: pd.Series) -> list[str]:
    return [re.sub(r"\.0$|\W", "", str(value)).lower() for value in values]


def _same_persons(feature: pd.Series, person: pd.Series) -> bool:
    import pandas as pd

    codes: NDArray[np.int64] = np.column_stack([pd.factorize(feature)[0], pd.factorize(person)[0]]).astype(np.int64)
    persons = np.unique(codes[:, 1]).size
    if not LEAST_PERSONS <= persons < _REPEATED_SHARE * len(codes):
        return False
    return bool(np.unique(codes[:, 0]).size == persons == len(np.unique(codes, axis=0)))
