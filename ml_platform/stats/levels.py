"""Levels: a column of categories as codes and names, missing values being a level of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import Codes, column, is_missing, is_numeric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Levels:
    """One code per row into `names`; `missing` counts the rows without a value (the last name, if any)."""

    codes: Codes
    names: tuple[str, ...]
    missing: int

    @property
    def present(self) -> tuple[str, ...]:
        """The names of the levels that are values, in order."""
        return self.names[:-1] if self.missing else self.names


def levels(values: ArrayLike, name: str = "values") -> Levels:
    """Give each distinct value of a column a number; None, NaN and NaT are one last level called "missing".

    Numbers are in numeric order, whole numbers without a decimal point; anything else is in the order of its text.
    ValueError when the column isn't one-dimensional.

    >>> found = levels(["b", None, "a", "b"])
    >>> found.codes.tolist(), found.names, found.missing
    ([1, 2, 0, 1], ('a', 'b', 'missing'), 1)
    >>> levels([2.0, 10.0, 0.5]).names
    ('0.5', '2', '10')
    """
    array = column(values, name)
    return _of_numbers(array) if is_numeric(array) else _of_text(array)


def _of_numbers(array: NDArray[np.generic]) -> Levels:
    plain = array.astype(np.int8) if array.dtype.kind == "b" else array
    found, codes = np.unique(plain, return_inverse=True)
    missing = sum(is_missing(value) for value in found[-1:].tolist())
    names = [_text(value) for value in found[: found.size - missing].tolist()]
    absent = int((codes == len(names)).sum())
    return Levels(codes.astype(np.intp), (*names, *[MISSING] * missing), absent)


def _of_text(array: NDArray[np.generic]) -> Levels:
    values = array.tolist() if array.dtype.kind not in "mM" else [_moment(text) for text in array.astype(str).tolist()]
    texts = [None if is_missing(value) else _text(value) for value in values]
    names = sorted({text for text in texts if text is not None})
    code_of: dict[str | None, int] = {text: code for code, text in enumerate(names)}
    code_of[None] = len(names)
    codes = np.fromiter((code_of[text] for text in texts), dtype=np.intp, count=len(texts))
    absent = texts.count(None)
    return Levels(codes, (*names, MISSING) if absent else tuple(names), absent)


def _moment(text: str) -> str | None:
    return None if text == "NaT" else text


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
