"""Guess coercion: how the texts of a column say numbers, times or truths in another way than ISO and English do.

A guess is made only when (nearly) every text reads in one way, and none of the other ways reads them as something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.policy.coercions import TextToBoolean, TextToDatetime, TextToNumber
from ml_platform.stages.convert import convert
from ml_platform.stages.distinct import distinct_values

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)
    from numpy.typing import NDArray

FEWEST_CELLS = 10
NEARLY_ALL = 0.99
SAMPLE = 200
SAMPLE_READ = 0.5
ONE_IN_OTHERWISE = 50
TRUTH_WORDS = (
    ("yes", "no"), ("y", "n"), ("true", "false"), ("t", "f"), ("1", "0"), ("ja", "nein"), ("j", "n"), ("oui", "non"),
    ("sí", "no"), ("si", "no"), ("sì", "no"), ("sim", "não"),
)  # fmt: skip
NUMBERS = tuple(
    TextToNumber(kind="text_to_number", decimal=decimal, thousands=thousands)
    for thousands in ("", ".", ",", " ", "'")
    for decimal in (",", ".")
    if decimal != thousands
)
PLAIN = TextToNumber(kind="text_to_number")
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%m.%d.%Y", "%m/%d/%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d")
TIMES = tuple(
    TextToDatetime(kind="text_to_datetime", format=day + clock)
    for day in _DAYS
    for clock in ("", " %H:%M", " %H:%M:%S")
)
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]")
_LOOKS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "number": re.compile(r"[+-]?[0-9][0-9.,' ]*(?:[eE][+-]?[0-9]{1,3})?"),
        "time": re.compile(r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{1,4}(?: [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"),
    }
)
Guess = TextToNumber | TextToDatetime | TextToBoolean
THOUSANDS_OR_DECIMALS = (
    "decimals and thousands can't be told apart (each has three digits behind its point); read as decimals, state "
    "`coerce` if not"
)
_GROUPS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guessed:
    """A conversion that texts seem to need, and a note for the reader; without a coercion the note says why not."""

    coercion: Guess | None
    note: str


def truth_words(texts: Sequence[str]) -> TextToBoolean | None:
    """Return texts as truths when they are a pair of words for them, in whatever case.

    >>> truth_words(["Ja", "nein", "ja"]).true_words
    ('Ja', 'ja')
    """
    words = sorted(set(texts))
    for true, false in TRUTH_WORDS:
        if {word.lower() for word in words} == {true, false}:
            return TextToBoolean(
                kind="text_to_boolean",
                true_words=tuple(word for word in words if word.lower() == true),
                false_words=tuple(word for word in words if word.lower() == false),
            )
    return None


def guess_coercion(values: pd.Series) -> Guessed | None:
    """Return how a column of text is read; None when it isn't text, has fewer than ten cells or says nothing so."""
    place, distinct = distinct_values(values)
    texts = [text for text in distinct if isinstance(text, str)]
    if len(texts) < len(distinct) or (place >= 0).sum() < FEWEST_CELLS:
        return None
    counts = np.bincount(place[place >= 0], minlength=len(texts))
    texts, counts = [text for text, count in zip(texts, counts, strict=True) if count], counts[counts > 0]
    words = truth_words(texts)
    if words is not None:
        return Guessed(coercion=words, note="guess: which words are true")
    sample = texts[:: max(1, len(texts) // SAMPLE)]
    if _look_like("time", sample):
        return _decided(_readings(texts, counts, TIMES, _is_time), "day and month")
    if _look_like("number", sample):
        return _decided(_readings(texts, counts, NUMBERS, _is_number), "decimals and thousands")
    return None


def may_be_thousands(texts: Sequence[str]) -> bool:
    """Say whether numbers that were read with decimals may be whole ones with points between their thousands.

    >>> may_be_thousands(["7.490", "12.000"]), may_be_thousands(["7.490", "0.125"]), may_be_thousands(["7.49"])
    (True, False, False)
    """
    return bool(texts) and all(map(_GROUPS.fullmatch, texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    coercion: TextToNumber | TextToDatetime
    values: pd.Series
    unread: int


def _look_like(what: str, sample: Sequence[str]) -> bool:
    return sum(_LOOKS[what].fullmatch(text) is None for text in sample) <= len(sample) // ONE_IN_OTHERWISE


def _readings(
    texts: Sequence[str],
    counts: NDArray[np.int64],
    known: Sequence[TextToNumber | TextToDatetime],
    is_one: Callable[[str], bool],
) -> list[_Reading]:
    """Return what reads nearly all cells, the simplest first; most are ruled out by a few texts."""
    import pandas as pd

    able = np.array([is_one(text) for text in texts], dtype=np.bool_)
    column = pd.Series(list(texts), dtype=object)
    few = column[able][:: max(1, int(able.sum()) // SAMPLE)].reset_index(drop=True)
    found = []
    for coercion in known:
        if not len(few) or convert(few, coercion).notna().mean() < SAMPLE_READ:
            continue
        values = convert(column, coercion).where(able)
        read = int(counts[values.notna().to_numpy()].sum())
        if read >= NEARLY_ALL * counts.sum():
            found.append(_Reading(coercion=coercion, values=values, unread=int(counts.sum()) - read))
    return found


def _is_time(text: str) -> bool:
    return _LOOKS["time"].fullmatch(text) is not None


def _is_number(text: str) -> bool:
    return _LEADING_ZERO.match(text) is None


def _decided(readings: Sequence[_Reading], what: str) -> Guessed | None:
    """Return the reading that all others agree with where both read a cell; else say that it is open."""
    if not readings:
        return None
    best = min(readings, key=lambda one: one.unread)
    if any(_differ(best.values, other.values) for other in readings):
        forms = " or ".join(dict.fromkeys(_form(one.coercion) for one in readings))
        return Guessed(coercion=None, note=f"{what} can't be told apart ({forms}); state `coerce` if you know")
    if best.coercion == PLAIN:
        return None
    kind = "the time's format" if isinstance(best.coercion, TextToDatetime) else "how the numbers are written"
    unread = f"; {best.unread:,} cells don't read so and would be refused" if best.unread else ""
    return Guessed(coercion=best.coercion, note=f"guess: {kind}{unread}")


def _differ(one: pd.Series, other: pd.Series) -> bool:
    both = (one.notna() & other.notna()).to_numpy()
    return bool((one.to_numpy()[both] != other.to_numpy()[both]).any())


def _form(coercion: TextToNumber | TextToDatetime) -> str:
    if isinstance(coercion, TextToDatetime):
        return coercion.format
    return f"decimals after {coercion.decimal!r}" + (
        f", thousands by {coercion.thousands!r}" * bool(coercion.thousands)
    )
