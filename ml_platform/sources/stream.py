"""Stream: a CSV or Parquet file in batches of rows, so that memory doesn't grow with the file."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.policy.spec import Csv
from ml_platform.sources.csv_stream import csv_batches, csv_names, csv_sample
from ml_platform.sources.csv_table import Written, fault_of, how_written
from ml_platform.sources.encoding import CHUNK, HEAD_BYTES, WIDE
from ml_platform.sources.parquet_stream import parquet_batches, parquet_names, parquet_sample

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SAMPLE_ROWS = 10_000
_AS_STATED = Csv()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A file that can be read again and again, each time from its first row; `written` is how, when it is CSV."""

    where: str
    path: Path
    names: tuple[str, ...]
    written: Written | None

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the columns, in this order, in batches; a CSV file's cells are text. Raises DataInvalid."""
        with _in_words(self.where, self.path, self.written):
            if self.written is None:
                yield from parquet_batches(self.path, columns)
            else:
                _require_no_nul(self.where, self.path, self.written)
                yield from csv_batches(self.path, self.written, columns)

    def sample(self, text_columns: Sequence[str] = ()) -> pd.DataFrame:
        """Return the first rows, typed by what they hold but for `text_columns`. Raises DataInvalid."""
        with _in_words(self.where, self.path, self.written):
            if self.written is None:
                return parquet_sample(self.path, SAMPLE_ROWS)
            return csv_sample(self.path, self.written, SAMPLE_ROWS, text_columns)


def open_stream(where: str, path: Path, form: Csv = _AS_STATED) -> Stream:
    """Open a file by its first bytes; `where` names it in messages. Raises DataInvalid or Unavailable.

    How a CSV file is written is stated by `form` and detected where it isn't, as it is for a model's source.
    """
    try:
        with path.open("rb") as file:
            start = file.read(HEAD_BYTES + 1)
    except OSError as error:
        message = f"{where}: {path} can't be read ({error.strerror}); check the path, its permissions and the disk"
        raise Unavailable(message) from error
    if start[:2] == b"PK":
        raise DataInvalid(f"{where}: is a zip; a stream needs a plain CSV or Parquet file; unpack it")
    if not start.strip():
        raise DataInvalid(f"{where}: the file is empty; a header and rows are needed; fetch it again")
    is_parquet, whole = start[:4] == b"PAR1", len(start) <= HEAD_BYTES
    written = None if is_parquet else how_written(where, start[:HEAD_BYTES], form, whole=whole)
    with _in_words(where, path, written):
        names = parquet_names(path) if written is None else csv_names(path, written)
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataInvalid(f"{where}: columns {twice} come more than once; names must differ; rename them in the file")
    return Stream(where=where, path=path, names=tuple(names), written=written)


@contextmanager
def _in_words(where: str, path: Path, written: Written | None) -> Iterator[None]:
    """Say what Arrow can't read, and where, without its words, which hold values of the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, UnicodeError, OSError) as error:
        if written is not None and not isinstance(error, OSError):
            raise DataInvalid(f"{where}: {_no_text(path, written) or fault_of(str(error), written)}") from None
        message = (
            f"{where}: can't be read to its end as a table ({type(error).__name__}); a whole file is needed; fetch it "
            "again or correct it"
        )
        raise DataInvalid(message) from None


def _require_no_nul(where: str, path: Path, written: Written) -> None:
    """Raise DataInvalid for a text with a NUL, which Arrow takes for a letter; not for half of a letter in UTF-16."""
    if written.encoding.name.startswith(WIDE):
        found = _no_text(path, written)
    else:
        with path.open("rb") as file:
            held = any(b"\0" in chunk for chunk in iter(lambda: file.read(CHUNK), b""))
        found = _no_text(path, written) if held else ""
    if found:
        raise DataInvalid(f"{where}: {found}")


def _no_text(path: Path, written: Written) -> str:
    """Say which line is the first that can't be decoded or holds a NUL; nothing when none is."""
    name = written.encoding.name
    decoder, lines, more = codecs.getincrementaldecoder(name)("strict"), 1, True
    with path.open("rb") as file:
        while more:
            chunk = file.read(CHUNK)
            more = bool(chunk)
            try:
                text = decoder.decode(chunk, final=not more)
            except UnicodeDecodeError as error:
                lines += error.object[: error.start].decode(name, "ignore").count("\n")
                how = f"are not {name} ({written.encoding.how})"
                return f"line {lines:,} holds bytes that {how}; correct the file, or state `csv: {{encoding: ...}}`"
            except UnicodeError:
                return f"is not {name} ({written.encoding.how}); correct the file, or state `csv: {{encoding: ...}}`"
            if "\0" in text:
                lines += text[: text.index("\0")].count("\n")
                return f"line {lines:,} holds a NUL byte; text has none; fetch the file again or correct the line"
            lines += text.count("\n")
    return ""
