"""Infer contract: columns as they were seen, drafted as the contract that a later batch of the same data would keep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.coercions import TextToBoolean
from ml_platform.policy.spec import Column, PersonalData, Role
from ml_platform.stages.coerce import ColumnType, coerce, is_level
from ml_platform.stages.distinct import distinct_values
from ml_platform.stages.guess_coercion import truth_words
from ml_platform.stages.guess_format import guess_format
from ml_platform.stages.guess_personal import guess_personal
from ml_platform.stages.infer_range import infer_range
from ml_platform.stages.infer_type import infer_type, is_number, type_of_numbers
from ml_platform.stages.level_text import level_text

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

MOST_LEVELS = 100
FEWEST_PER_LEVEL = 5
FEWEST_UNIQUE = 100
REPEATS_EXPECTED = 20
NOTHING_SEEN = "No value was seen."
CONSTANT = "The same in every row seen."
IDENTIFIER = "Different in every row seen: an identifier."


def infer_contract(frame: pd.DataFrame, *, target: str | None = None) -> dict[str, Column]:
    """Return a contract that the rows seen keep, and that later rows of the same kind should.

    Ranges reach as far as the tails suggest (`infer_range`); levels are named only where each was seen at least five
    times; a missing share has room for chance; a column is unique only where repeats were to be expected. A column
    with nothing to learn (no value, one value, an identifier, direct or sensitive personal data) gets the role
    not_used with the reason. Text longer than a contract holds is left out. Raises DataInvalid for names that come
    twice and for a target that isn't there.
    """
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        message = (
            f"the table: {len(twice)} column names come more than once, such as {twice[0][:60]!r}; names must differ; "
            "rename the columns"
        )
        raise DataInvalid(message)
    if target is not None and target not in names:
        message = f"the table: has no column {target[:60]!r}; the target must be among its columns; correct its name"
        raise DataInvalid(message)
    found = {
        name: _column(name, values, is_target=name == target)
        for name, (_, values) in zip(names, frame.items(), strict=True)
    }
    return {name: column for name, column in found.items() if column is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What was counted in a column. `numbers` are its finite values in ascending order, none when it isn't numeric."""

    type: ColumnType
    rows: int
    present: int
    different: int
    rarest: int
    distinct: pd.Series
    numbers: NDArray[np.float64]

    @property
    def missing(self) -> float:
        """The share that may be missing: none when none was, else what was seen with room for chance."""
        if self.present == self.rows:
            return 0.0
        share = 1 - self.present / self.rows
        return _round_up(share + 3 * math.sqrt(share * (1 - share) / self.rows) + 3 / self.rows)

    @property
    def all_differ(self) -> bool:
        """Whether enough values were seen, and none twice."""
        return self.different == self.present >= FEWEST_UNIQUE


def _column(name: str, values: pd.Series, *, is_target: bool) -> Column | None:
    seen = _count_numbers(values) if is_number(values.dtype) else None
    seen = seen or _count(values)
    if not seen.present:
        return Column(type="category", role=Role.NOT_USED, missing=1.0, reason=NOTHING_SEEN)
    said = _said(seen)
    if said is None:
        return None
    if is_target:
        return _target(seen, said)
    personal = PersonalData.NONE if seen.type == "boolean" else guess_personal(name, seen.distinct)
    reason = _why_unused(seen, personal, unique=said.get("unique", False))
    role = Role.NOT_USED if reason else Role.FEATURE
    return Column(**said, role=role, reason=reason, personal_data=personal)


def _target(seen: _Seen, said: dict[str, Any]) -> Column:
    """Return the target, as truths where its texts are words for them."""
    words = _truth_words(seen)
    if words is not None:
        return Column(type="boolean", missing=seen.missing, role=Role.TARGET, coerce=(words,))
    binary = seen.type == "integer" and seen.different <= 2 and {0.0, 1.0}.issuperset(seen.numbers)
    return Column(**{**said, "role": Role.TARGET, **({"range": (0.0, 1.0)} if binary else {})})


def _truth_words(seen: _Seen) -> TextToBoolean | None:
    """Return a category's texts as truths when they are a pair of words for them."""
    if seen.type != "category" or not all(isinstance(value, str) for value in seen.distinct):
        return None
    return truth_words([str(value) for value in seen.distinct])


def _why_unused(seen: _Seen, personal: PersonalData, *, unique: bool) -> str:
    if personal in {PersonalData.DIRECT, PersonalData.SENSITIVE}:
        return f"Looks like {personal.value} personal data."
    if seen.different == 1:
        return CONSTANT
    return IDENTIFIER if unique else ""


def _count_numbers(values: pd.Series) -> _Seen | None:
    """Count a column of numbers; None when they are codes."""
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    ordered = np.sort(numbers[~np.isnan(numbers)])
    present = ordered.size
    different = 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1])) if present else 0
    finite = ordered[np.isfinite(ordered)]
    kind = type_of_numbers(values.dtype, finite)
    if kind == "category":
        return None
    return _Seen(
        type=kind, rows=len(values), present=present, different=different, rarest=0, distinct=values, numbers=finite
    )


def _count(values: pd.Series) -> _Seen:
    place, distinct = distinct_values(values)
    counts = np.bincount(place[place >= 0], minlength=len(distinct))
    distinct = distinct[counts > 0]
    counts = counts[counts > 0]
    kind = infer_type(values.dtype, distinct) if len(counts) else "category"
    numbers = coerce(distinct, kind)[0].to_numpy(dtype=np.float64) if kind in {"integer", "number"} else np.empty(0)
    return _Seen(
        type=kind,
        rows=len(values),
        present=int(counts.sum()),
        different=len(counts),
        rarest=int(counts.min(initial=len(values))),
        distinct=distinct,
        numbers=np.sort(np.repeat(numbers, counts)) if numbers.size else numbers,
    )


def _said(seen: _Seen) -> dict[str, Any] | None:
    """Return the column's type with its limits; None for text that no contract holds."""
    said: dict[str, Any] = {"type": seen.type, "missing": seen.missing}
    if seen.type in {"integer", "number"}:
        if seen.type == "integer" and seen.all_differ and _repeats_were_likely(seen.numbers):
            return {**said, "unique": True}
        return {**said, "range": infer_range(seen.numbers, whole=seen.type == "integer")}
    if seen.type == "category":
        texts = [str(value) for value in seen.distinct]
        if not all(map(is_level, texts)):
            return None
        form = guess_format(texts)
        if form is not None:
            said["format"] = form
        if seen.all_differ:
            return {**said, "unique": not any(" " in text for text in texts)}
        if form is None and seen.different <= MOST_LEVELS and seen.rarest >= FEWEST_PER_LEVEL:
            return {**said, "levels": tuple(sorted({level_text(value) for value in seen.distinct}))}
    return said


def _repeats_were_likely(ordered: NDArray[np.float64]) -> bool:
    """Say whether as many whole numbers, drawn at random from as wide a range, would repeat (the birthday problem)."""
    return bool(ordered.size**2 / (2 * (ordered[-1] - ordered[0] + 1)) >= REPEATS_EXPECTED)


def _round_up(share: float) -> float:
    """Round a share up to two digits."""
    step = 10.0 ** (math.floor(math.log10(share)) - 1)
    return min(1.0, float(f"{math.ceil(share / step) * step:.2g}"))
