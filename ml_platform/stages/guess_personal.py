"""Guess personal: which class of personal data a column probably belongs to, for a person to confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.policy.spec import PersonalData
from ml_platform.stages.personal_data import personal_finding
from ml_platform.stages.personal_names import CLAIMS, claimed, names_persons
from ml_platform.stages.personal_sample import VARIED, sampled

if TYPE_CHECKING:
    import pandas as pd


def guess_personal(name: str, distinct: pd.Series) -> PersonalData:
    """Return the class that a column's distinct values suggest, or its name and they don't contradict; a hint.

    A few distinct values under a telling name (an `email` that is yes or no) name nobody, unless under a name's name
    they are full names of persons.
    """
    found = personal_finding(name, distinct)
    if found is None:
        return PersonalData.DIRECT if _few_persons(name, distinct) else PersonalData.NONE
    few = found.by == "name" and found.guess is PersonalData.DIRECT and len(distinct) < VARIED
    return PersonalData.NONE if few and not _few_persons(name, distinct) else found.guess


def _few_persons(name: str, distinct: pd.Series) -> bool:
    claim, sample = claimed(name), sampled(distinct)
    return claim is not None and claim.kind == CLAIMS["name"].kind and sample is not None and names_persons(sample)
