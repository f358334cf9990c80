"""New levels: texts that the reference never held, above all those that are a known level written wrongly."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.tables import count_of

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables

MOST_KNOWN = 200
LEAST_SEEN = 5
SHORTEST = 3
FEW_OF_THREE = 10
LEAST_TRUNCATED = 3


def misspellings(tables: Tables) -> Iterator[Evidence]:
    """Find levels that differ from a known one by case, blanks, accents, encoding, an end cut off or one letter.

    A hard rule for columns with few, repeated levels of which no two are that alike in the reference; elsewhere (codes,
    names) such pairs are natural and nothing is said.
    """
    for column in tables.of_kind("levels"):
        counts = count_of(column.codes[: tables.reference_rows], column.values.size)
        texts = [str(value) for value in column.values]
        known = [text for text, count in zip(texts, counts, strict=True) if count]
        new = [text for text, count in zip(texts, counts, strict=True) if not count]
        if not new or not _is_closed(counts, tables.reference_rows):
            continue
        wrong = dict(
            _wrongly_written(new, known, frequent={t for t, c in zip(texts, counts, strict=True) if c >= LEAST_SEEN})
        )
        if not wrong:
            continue
        codes = [place for place, text in enumerate(texts) if text in wrong]
        rows = int(np.isin(column.codes[tables.reference_rows :], codes).sum())
        how = ", ".join(sorted(set(wrong.values())))
        yield Evidence(
            kind="misspelling", columns=(column.name,), effect=rows / tables.batch_rows, p_value=0.0,
            n=tables.batch_rows, facts={"levels": len(wrong), "rows": rows, "how": how},
        )  # fmt: skip


def _is_closed(counts: np.ndarray, rows: int) -> bool:
    known = int((counts > 0).sum())
    return 0 < known <= MOST_KNOWN and known <= rows / 20 and int((counts == 1).sum()) <= max(2, known // 10)


def _wrongly_written(new: Iterable[str], known: list[str], frequent: set[str]) -> Iterator[tuple[str, str]]:
    twins = {folded(level): level for level in known}
    if len(twins) < len(known):
        return  # the reference itself holds such pairs
    for text in new:
        if twins.get(folded(text)) in frequent:
            yield text, "case, blanks, accents"
    if not any(_is_misread(level) for level in known):
        yield from ((text, "encoding") for text in new if _is_misread(text))
    alike = any(one_letter(a, b) for place, a in enumerate(known) for b in known[:place])
    alike |= (
        len(known) > FEW_OF_THREE and min(map(len, known)) <= SHORTEST
    )  # many short codes: near ones come by chance
    nested = any(a != b and b.startswith(a) for a in known for b in known)
    for text in new:
        if not nested and len(text) >= LEAST_TRUNCATED and any(level.startswith(text) for level in frequent):
            yield text, "an end cut off"
        elif not alike and any(one_letter(text, level) for level in frequent):
            yield text, "one letter"


def folded(text: str) -> str:
    """Return a text without case, accents, blanks and signs."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain if letter.isalnum()).casefold()


def _is_misread(text: str) -> bool:
    """Tell whether a text is UTF-8 that was read in an encoding of one byte a sign, or lost a sign on the way."""
    if "\ufffd" in text:
        return True
    for encoding in ("cp1252", "latin-1"):
        with contextlib.suppress(UnicodeError):
            return text.encode(encoding).decode("utf-8") != text
    return False


def one_letter(one: str, other: str) -> bool:
    """Tell whether one letter was changed, left out, added or swapped with its neighbour; digits must be the same."""
    if one == other or abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < SHORTEST:
        return False
    if [sign for sign in one if sign.isdigit()] != [sign for sign in other if sign.isdigit()]:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    first, second = one[start:], other[start:]
    if len(first) == len(second):
        return first[1:] == second[1:] or (first[:2] == second[1::-1] and first[2:] == second[2:])
    longer, shorter = (first, second) if len(first) > len(second) else (second, first)
    return longer[1:] == shorter
