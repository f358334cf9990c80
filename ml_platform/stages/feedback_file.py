"""A file of feedback: its rows as what was said, whatever kind of file it is; what a row doesn't say has a reason."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.take_remark import Said

if TYPE_CHECKING:
    from ml_platform.core.traffic import InputValue

KNOWN = ("prediction_id", "outcome", "correction", "rating", "comment", "at", "by")
LONGEST_LINE = 1 << 20
BATCH = 10_000
Cells = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its number, counted from 1: what it says, or why nothing; `by` is None without such a column."""

    number: int
    said: Said | str
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a model's file is read; `columns` names the file's column where it isn't called as here."""

    spec: ModelSpec
    columns: Mapping[str, str] = field(default_factory=dict)

    def row(self, number: int, cells: Cells | str) -> Row:
        """Return what a row says."""
        if isinstance(cells, str):
            return Row(number, cells, None)
        named = {name: cells.get(self.columns.get(name, name)) for name in KNOWN}
        given = {name: value for name, value in named.items() if value is not None and value != ""}
        has_by = self.columns.get("by", "by") in cells
        by = str(given.pop("by", "")) if has_by else None
        try:
            return Row(number, self._said(given, cells), by)
        except msgspec.ValidationError as error:
            return Row(number, f"it can't be taken: {error}", by)
        except (ValueError, OverflowError):
            return Row(number, "a value isn't of its column's type", by)

    def _said(self, given: dict[str, object], cells: Cells) -> Said:
        for name in ("outcome", "correction"):
            if isinstance(given.get(name), str) and self.spec.learner.task != "multiclass":
                given[name] = _number(str(given[name]))
        if isinstance(given.get("rating"), str):
            given["rating"] = int(str(given["rating"]))
        if isinstance(given.get("at"), str):
            given["at"] = dt.datetime.fromisoformat(str(given["at"]))
        if "prediction_id" not in given:
            given["key"] = self._key(cells)
        return msgspec.convert(given, Said)

    def _key(self, cells: Cells) -> dict[str, InputValue]:
        mapped = set(self.columns.values()) | set(KNOWN)
        inputs = [name for name in self.spec.inputs if name in cells and name not in mapped]
        return {name: self._typed(name, cells[name]) for name in inputs}

    def _typed(self, name: str, value: object) -> InputValue:
        if value is None or value == "":
            return None
        if isinstance(value, dt.datetime):
            return value.isoformat()
        if not isinstance(value, str):
            return msgspec.convert(value, int | float | bool)
        match self.spec.contract[name].type:
            case "integer" | "number":
                number = float(value)
                return int(number) if number.is_integer() else number
            case "boolean":
                return bool(_number(value))
            case _:
                return value


def read_rows(path: Path, reading: Reading) -> Iterator[Row]:
    """Iterate over a CSV, Parquet or NDJSON file's rows, in bounded memory.

    Raises DataInvalid when it is none of them, Unavailable when it can't be read.
    """
    readers = {".csv": _csv, ".parquet": _parquet, ".ndjson": _ndjson, ".jsonl": _ndjson}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        message = f"{path}: its name ends with {path.suffix or 'nothing'}; feedback comes as .csv, .parquet or .ndjson"
        raise DataInvalid(f"{message}; save it as one of these")
    try:
        for number, cells in enumerate(reader(path), 1):
            yield reading.row(number, cells)
    except UnicodeDecodeError as error:
        raise DataInvalid(f"{path}: it isn't UTF-8 (byte {error.start}); UTF-8 is needed; save it so") from error
    except OSError as error:
        raise Unavailable(f"{path}: it can't be read ({error.strerror}); correct its path or permissions") from error


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; raises Unavailable when it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unavailable(f"{path}: it can't be read ({error.strerror}); correct its path or permissions") from error


def _number(text: str) -> float:
    """Read a number, or a truth value as a table writes it.

    >>> _number("1"), _number("False")
    (1.0, 0.0)
    """
    truths = {"true": 1.0, "false": 0.0}
    known = truths.get(text.strip().lower())
    return float(text) if known is None else known


def _csv(path: Path) -> Iterator[Cells | str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            header = next(rows, [])
            _check_header(path, header)
            for row in rows:
                fits = len(row) == len(header)
                yield dict(zip(header, row, strict=True)) if fits else f"it has {len(row)} cells, not {len(header)}"
        except csv.Error as error:
            message = f"{path}:{rows.line_num}: the CSV is broken here; quotes and lines have to be whole: correct it"
            raise DataInvalid(f"{message}; the rows before are taken") from error


def _check_header(path: Path, header: Sequence[str]) -> None:
    if not header or len(set(header)) != len(header):
        seen = "there is no header" if not header else "a column's name comes twice"
        raise DataInvalid(f"{path}: {seen}; the first row has to name each column once: correct it")


def _ndjson(path: Path) -> Iterator[Cells | str]:
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            if line.strip():
                yield _object(line)


def _object(line: bytes) -> Cells | str:
    try:
        found = json.loads(line.decode())
        if b"\\u" in line:
            json.dumps(found, ensure_ascii=False).encode()  # half of a surrogate pair could never be written down
    except (ValueError, RecursionError):
        return "the line is no JSON"
    return found if isinstance(found, dict) else "the line is no JSON object"


def _parquet(path: Path) -> Iterator[Cells | str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                yield from batch.to_pylist()
    except pa.ArrowInvalid as error:
        raise DataInvalid(f"{path}: it is no whole Parquet file; write it again") from error
