"""CSV rows: a request's rows as text, each cell read as what its column is in the contract."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ml_platform.core.scoring import InputColumn, ScoringContract
from ml_platform.serving.refusal import Refused, shown
from ml_platform.serving.request import MAXIMUM_ROWS, Rows

CSV = b"text/csv"
MOST_COLUMNS = 10_000
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_LONGEST_NUMBER = 64
_TRUE, _FALSE, _NO_NUMBER = ({"true", "True", "TRUE"}, {"false", "False", "FALSE"}, {"nan", "NaN", "NAN"})

Cell = Callable[[str], object]


def csv_rows(body: bytes, contract: ScoringContract, levels: Mapping[str, Sequence[str]]) -> Rows:
    """Return the rows of a CSV body with a header line, at least one; raises Refused when it isn't one.

    An empty cell is a missing value, unless the empty text is a level of its column; of a number so is NaN. A first
    column without a name, as `pandas.DataFrame.to_csv` writes it, counts the rows and is left out.
    """
    reader = CsvReader(contract, levels)
    rows: Rows = []
    for row in reader.rows(_lines(body)):
        if len(rows) == MAXIMUM_ROWS:
            message = f"the request holds more than {MAXIMUM_ROWS:,} rows; send fewer at once, or all to /batch"
            raise Refused(413, "TOO_LARGE", message)
        rows.append(row)
    if not rows:
        raise malformed_csv("it holds no row")
    return rows


class CsvReader:
    """Reads lines of CSV for one contract; the first one names the columns."""

    def __init__(self, contract: ScoringContract, levels: Mapping[str, Sequence[str]]) -> None:
        self._names: Sequence[str] = ()
        self._kept: Sequence[int] = ()
        self._cells = {column.name: _cell(column, levels.get(column.name, ())) for column in contract.inputs}
        if contract.time is not None:
            self._cells.setdefault(contract.time, _text)

    def rows(self, lines: Iterable[str]) -> Iterator[dict[str, object]]:
        """Yield the rows below the header line; raises Refused at the first that doesn't fit it."""
        reader = csv.reader(lines, strict=True)
        try:
            self.name(next(reader, []))
            for index, cells in enumerate(reader):
                if cells:
                    yield self.row(cells, f"row {index}")
        except csv.Error as error:
            raise malformed_csv(f"line {reader.line_num} isn't CSV ({error})") from None

    def name(self, names: Sequence[str]) -> None:
        """Take the header line; raises Refused when it names no columns, or one twice."""
        self._kept, self._names = _columns(names), names

    def row(self, cells: Sequence[str], where: str = "it") -> dict[str, object]:
        """Return a row below the header line; raises Refused when it has more or fewer cells."""
        names = self._names
        if len(cells) != len(names):
            raise malformed_csv(f"{where} has {len(cells)} cells, the header {len(names)}")
        return {names[at]: self._read(names[at], cells[at]) for at in self._kept}

    def _read(self, name: str, text: str) -> object:
        cell = self._cells.get(name)
        return text if cell is None else cell(text)


def _lines(body: bytes) -> io.StringIO:
    try:
        return io.StringIO(body.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        raise Refused(400, "BAD_REQUEST", f"the body isn't UTF-8 (byte {error.start})") from None


def _columns(names: Sequence[str]) -> list[int]:
    kept = [at for at, name in enumerate(names) if at or name]
    if not kept or len(names) > MOST_COLUMNS:
        raise malformed_csv("its first line names no column" if not kept else f"it names {len(names):,} columns")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise malformed_csv(f"its first line names the column '{shown(twice)}' twice")
    return kept


def malformed_csv(seen: str) -> Refused:
    """Return the refusal of a body or line that isn't CSV."""
    return Refused(400, "BAD_REQUEST", f"the CSV: {seen}; needed are a line of column names and a line per row")


def _cell(column: InputColumn, levels: Sequence[str]) -> Cell:
    match column.type:
        case "integer":
            return _whole
        case "number":
            return _number
        case "boolean":
            return _boolean
        case _:
            return str if "" in (column.levels or levels) else _text


def _number(text: str) -> object:
    """Return a number as JSON would, else the text, which the contract refuses."""
    said = text.strip()
    if not said or said in _NO_NUMBER:
        return None
    return float(said) if len(said) <= _LONGEST_NUMBER and _NUMBER.fullmatch(said) else text


def _whole(text: str) -> object:
    said = text.strip()
    digits = said[1:] if said[:1] in {"+", "-"} else said
    if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER:
        return int(said)
    return _number(text)


def _boolean(text: str) -> object:
    said = text.strip()
    if said in _TRUE or said in _FALSE:
        return said in _TRUE
    return text or None


def _text(text: str) -> object:
    return text or None
