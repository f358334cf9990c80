"""Dialect: which sign stands between a CSV file's cells and whether its first row holds names, from its beginning."""

from __future__ import annotations

import csv
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from ml_platform.policy.spec import Csv

DELIMITERS = (",", ";", "\t", "|")
ROWS = 1000
_NUMBER = re.compile(r"\s*[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?\s*")
_SAID = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The sign between cells, how it is known, and the names of a file whose first row holds none."""

    delimiter: str
    how: str
    names: tuple[str, ...] | None

    @property
    def said(self) -> str:
        """Return the delimiter as a word."""
        return f"{_SAID.get(self.delimiter, ascii(self.delimiter))} ({self.how})"


def dialect_of(where: str, text: str, form: Csv) -> Dialect:
    """Return the dialect of the rows in `text`, which begins a file; raises DataInvalid when two fit equally well."""
    lines = text.replace("\r\n", "\n").split("\n")
    delimiter = form.delimiter or _delimiter(where, lines, form.quote)
    found = Dialect(delimiter=delimiter, how="stated" if form.delimiter else "detected", names=form.names)
    if not found.delimiter.isascii() or found.delimiter in {"\r", "\n", form.quote} or form.quote in {"\r", "\n"}:
        message = f"{where}: `csv` states a delimiter or quote that no CSV file can have; state another sign"
        raise DataInvalid(message)
    if form.decimal == found.delimiter:
        message = f"{where}: a comma stands between cells and in numbers too; they must differ; correct `csv.decimal`"
        raise DataInvalid(message)
    if form.names is None and form.header is not True:
        _require_names(where, _rows(lines, delimiter, form.quote, 1), form)
    return found


def _require_names(where: str, first: list[list[str]], form: Csv) -> None:
    if form.header is False or (first and first[0] and all(_NUMBER.fullmatch(cell) for cell in first[0])):
        message = (
            f"{where}: the first row holds no names, as far as can be told; a header is needed; add "
            "`csv: {names: [...]}`, or `csv: {header: true}` if these are the names"
        )
        raise DataInvalid(message)


def _delimiter(where: str, lines: list[str], quote: str) -> str:
    """Return the sign with which most rows are as long as the header, and of those the one with most cells."""
    scores = {}
    for sign in DELIMITERS:
        rows = [row for row in _rows(lines, sign, quote, ROWS) if row]
        width = len(rows[0]) if rows else 1
        same = sum(len(row) == width for row in rows)
        scores[sign] = (same / len(rows), width) if width > 1 else (0.0, 1)
    best = max(scores.values())
    fit = [sign for sign in DELIMITERS if scores[sign] == best]
    if best[1] > 1 and len(fit) > 1:
        message = (
            f"{where}: {' and '.join(_SAID[sign] for sign in fit)} fit equally well between the cells; one is needed; "
            "state `csv: {delimiter: ...}`"
        )
        raise DataInvalid(message)
    return fit[0]


def _rows(lines: list[str], delimiter: str, quote: str, most: int) -> list[list[str]]:
    try:
        reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, quotechar=quote)
        return list(itertools.islice(reader, most))
    except csv.Error:
        return []
