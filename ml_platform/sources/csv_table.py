"""CSV: a text file's bytes as an Arrow table; errors name the row or line and never a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Csv
from ml_platform.sources.dialect import Dialect, dialect_of
from ml_platform.sources.encoding import HEAD_BYTES, Encoding, as_utf8, encoding_of

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa

    from ml_platform.core.measurement import Fact

_SAMPLE_BYTES = 1 << 18
_LARGEST_BLOCK = 1 << 30
_MOST_LEVELS = 1 << 17
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


@dataclass(frozen=True, slots=True)
class Written:
    """How a CSV file is written."""

    encoding: Encoding
    dialect: Dialect
    form: Csv

    def facts(self) -> dict[str, Fact]:
        """Return what was stated or detected, in words."""
        return {
            "format": "CSV",
            "encoding": f"{self.encoding.name} ({self.encoding.how})",
            "delimiter": self.dialect.said,
            "header": "first row" if self.dialect.names is None else "none (names stated)",
            "decimal": {".": "point", ",": "comma (stated)"}[self.form.decimal],
        }


def how_written(where: str, head: bytes, form: Csv, *, whole: bool) -> Written:
    """Return how the CSV file that begins with `head` is written, `whole` when that is all of it."""
    encoding = encoding_of(where, head, form.encoding, whole=whole)
    sample = head[:_SAMPLE_BYTES]
    text = sample.decode(encoding.name, "replace").removeprefix("\ufeff")
    if not whole or len(sample) < len(head):
        text = text.rpartition("\n")[0]
    return Written(encoding, dialect_of(where, text, form), form)


def read_csv(where: str, content: bytes, form: Csv, text_columns: Collection[str]) -> pa.Table:
    """Return a CSV file's rows; types are inferred from the whole file, `text_columns` stay text."""
    import pyarrow as pa
    from pyarrow import csv

    written = how_written(where, content[:HEAD_BYTES], form, whole=len(content) <= HEAD_BYTES)
    utf8 = as_utf8(where, content, written.encoding)
    text = pa.dictionary(pa.int32(), pa.string())
    try:
        table = csv.read_csv(
            pa.BufferReader(utf8),
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=min(len(utf8) + 1, _LARGEST_BLOCK),
                column_names=list(written.dialect.names or []),
            ),
            parse_options=csv.ParseOptions(
                delimiter=written.dialect.delimiter,
                quote_char=form.quote,
                newlines_in_values=len(utf8) >= _LARGEST_BLOCK,
            ),
            convert_options=csv.ConvertOptions(
                strings_can_be_null=True,
                auto_dict_encode=True,
                auto_dict_max_cardinality=_MOST_LEVELS,
                column_types=dict.fromkeys(text_columns, text),
                decimal_point=form.decimal,
            ),
        )
    except pa.ArrowException as error:
        raise DataInvalid(f"{where}: {fault_of(str(error), written)}") from None
    return table


def fault_of(text: str, written: Written) -> str:
    """Say what Arrow can't read, by the row that it names and without its words, which hold values."""
    ragged = _RAGGED.search(text)
    if ragged:
        row, needed, seen = ragged.groups()
        place = f"row {row}" if row else "a row"
        named = "as in the header" if written.dialect.names is None else "as many as `csv.names`"
        return f"{place} has {seen} cells; {needed} are needed, {named}; correct the row"
    return (
        f"is no readable CSV file (delimiter: {written.dialect.said}); rows under a header are needed; correct the "
        "file, or state `csv: {delimiter: ...}`"
    )
