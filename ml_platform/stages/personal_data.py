"""Personal data: columns whose values or name are a person's, to be compared with what the contract declares.

A column's values decide by share: a bounded sample of its distinct values is held against each form (telephone, card,
national id, ...), and the column is one when enough of them fit and more than chance explains (exact binomial lower
bound: one whole number in ten has a right check digit). A usual name alone isn't enough: the values must look the part.
It is a strong hint and no proof: what is written in an unusual form under an unusual name isn't found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.policy.spec import PersonalData
from ml_platform.stages.personal_forms import FORMS, Form
from ml_platform.stages.personal_names import CLAIMS, claimed, rules_out
from ml_platform.stages.personal_sample import Sample, sampled
from ml_platform.stats.binomial_lower import binomial_lower

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import Column, ModelSpec

CONFIDENCE = 1 - 1e-3
FIRST_LOOK = 20
NUMBER = "number of a person"
PROVEN = frozenset({"date of birth", "postal code", "place on earth"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalFinding:
    """What a column seems to hold: the kind, the class to declare, and how many sampled values say so; no value.

    `by` says whether the `values` alone have the form, or the `name` claims it and the values don't contradict.
    """

    kind: str
    guess: PersonalData
    by: str
    fitting: int
    sampled: int

    @property
    def share(self) -> float:
        """The share of the sampled values that fit."""
        return self.fitting / self.sampled

    @property
    def evidence(self) -> str:
        """Say in a few words why, in counts only."""
        return f"{self.kind}, by its {self.by}: {self.fitting} of {self.sampled} sampled values fit"

    @property
    def blocks(self) -> bool:
        """Say whether the column is more than a trait of a person that many share (age, sex, schooling, ...)."""
        return self.guess is not PersonalData.QUASI or self.kind in PROVEN


def detect_personal(frame: pd.DataFrame) -> dict[str, PersonalFinding]:
    """Return what each column that seems personal holds, in the frame's order."""
    found = {str(name): personal_finding(str(name), frame.iloc[:, at]) for at, name in enumerate(frame.columns)}
    return {name: finding for name, finding in found.items() if finding is not None}


def looks_personal(spec: ModelSpec, frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns of direct, sensitive or locating data that aren't declared so, in the frame's order."""
    return tuple(name for name, finding in undeclared(spec, frame).items() if finding.blocks)


def undeclared(spec: ModelSpec, frame: pd.DataFrame) -> dict[str, PersonalFinding]:
    """Return the findings on columns that the contract doesn't declare personal.

    A column that is declared `none` in so many words and with a reason was looked at by a person and is left out,
    unless its values themselves have the form of direct data.
    """
    found = detect_personal(frame)
    return {name: one for name, one in found.items() if not _is_spoken_for(spec.contract.get(name), one)}


def _is_spoken_for(column: Column | None, finding: PersonalFinding) -> bool:
    if column is None:
        return False
    if column.personal_data is not PersonalData.NONE:
        return True
    denied = "personal_data" in column.model_fields_set and bool(column.reason.strip())
    return denied and not (finding.by == "values" and finding.guess is PersonalData.DIRECT)


def personal_finding(name: str, values: pd.Series) -> PersonalFinding | None:
    """Return what one column seems to hold; its values are asked first, then its name."""
    sample = sampled(values)
    if sample is None:
        return None
    return _by_values(name, sample) or _by_name(name, sample)


def _by_values(name: str, sample: Sample) -> PersonalFinding | None:
    if not sample.texts:
        return None
    first = sample.texts[:: max(1, len(sample.texts) // FIRST_LOOK)]
    for form in FORMS:
        if rules_out(name, form.kind) or not _count(form, first):
            continue
        fitting = _count(form, sample.texts)
        if _is_more_than_chance(form, fitting, len(sample.texts)):
            return PersonalFinding(
                kind=form.kind, guess=form.guess, by="values", fitting=fitting, sampled=len(sample.texts)
            )
    return None


def _count(form: Form, texts: Iterable[str]) -> int:
    return sum(map(form.found, texts))


def _is_more_than_chance(form: Form, fitting: int, count: int) -> bool:
    if fitting < form.least_share * count:
        return False
    return binomial_lower(fitting, count, confidence=CONFIDENCE) > form.chance


def _by_name(name: str, sample: Sample) -> PersonalFinding | None:
    claim = claimed(name)
    if claim is not None and claim.kind == NUMBER and CLAIMS["name"].believed(sample) >= CLAIMS["name"].least_share:
        claim = CLAIMS["name"]  # a `customer` with a name in place of a number
    share = 0.0 if claim is None else claim.believed(sample)
    if claim is None or share < claim.least_share:
        return None
    count = len(sample.texts) or sample.distinct
    return PersonalFinding(kind=claim.kind, guess=claim.guess, by="name", fitting=round(share * count), sampled=count)
