"""Guess personal: which class of personal data a column probably belongs to, for a person to confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.policy.spec import PersonalData
from ml_platform.stages.personal_data import named_like_a_person, valued_like_a_person

if TYPE_CHECKING:
    import pandas as pd


def guess_personal(name: str, distinct: pd.Series) -> PersonalData:
    """Return the class that a column's name or its distinct values suggest; a hint and no proof."""
    suspected = named_like_a_person(name) or valued_like_a_person(distinct)
    return PersonalData.DIRECT if suspected else PersonalData.NONE
