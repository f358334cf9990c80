"""Words on predictions: the labels of a model in columns, from segments and from what full segments were compacted to.

`<number>.log` is a segment, `<number>.parquet` the same words in columns: it is whole before the segment goes, and a
segment that has a newer one never changes. So each word is there once, whoever is killed when: where both are, the
segment is read.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ml_platform.adapters.segments import SUFFIX, Scan, read_as, scan, segments_of
from ml_platform.core.atomic import sync
from ml_platform.core.errors import DataInvalid
from ml_platform.core.traffic import Label

if TYPE_CHECKING:
    import pyarrow as pa

COMPACTED = ".parquet"
DRAFT = ".draft-"
_TORN = b"ml_platform_torn"


class Words(NamedTuple):
    """The words of a segment, in the order in which they were said, and how many of its lines can't be read."""

    rows: pa.Table
    torn: int


def words_columns() -> pa.Schema:
    """Return the columns: an outcome is a `number` or the `name` of a class, the other is missing."""
    import pyarrow as pa

    columns = [("prediction_id", pa.string()), ("number", pa.float64()), ("name", pa.string())]
    return pa.schema([*columns, ("at", pa.timestamp("us", "UTC"))])


def in_columns(labels: Sequence[Label]) -> pa.Table:
    """Return labels in columns, in their order."""
    import pyarrow as pa

    told = [one.label for one in labels]
    columns = [
        [one.prediction_id for one in labels],
        [None if isinstance(one, str) else one for one in told],
        [one if isinstance(one, str) else None for one in told],
        [one.at for one in labels],
    ]
    schema = words_columns()
    return pa.table([pa.array(*each) for each in zip(columns, schema.types, strict=True)], schema)


def in_rows(words: pa.Table) -> Iterator[Label]:
    """Iterate over words as labels."""
    columns = (words[name].to_pylist() for name in words.column_names)
    for prediction_id, number, name, at in zip(*columns, strict=True):
        yield Label(prediction_id=prediction_id, label=number if name is None else name, at=at)


def segment_names(folder: Path) -> list[str]:
    """Return the names of a folder's segments, compacted or not, oldest first."""
    compacted = folder.glob(f"*{COMPACTED}") if folder.is_dir() else ()
    names = {path.stem for path in (*segments_of(folder), *compacted) if not path.name.startswith(".")}
    return sorted(names)


def read_words(folder: Path, name: str) -> Words:
    """Return the words of a segment; raises DataInvalid for a file that isn't what was written."""
    try:
        return _scanned(folder / f"{name}{SUFFIX}")
    except FileNotFoundError:  # it was compacted
        return _read(folder / f"{name}{COMPACTED}")


def count_words(folder: Path) -> int:
    """Return how many words there are, those of torn lines too."""
    import pyarrow.parquet as pq

    count = 0
    for name in segment_names(folder):
        try:
            count += (folder / f"{name}{SUFFIX}").read_bytes().count(b"\n")
        except FileNotFoundError:  # it was compacted
            path = folder / f"{name}{COMPACTED}"
            with _whole(path):
                about = pq.read_metadata(path)
                count += about.num_rows + int(about.metadata[_TORN])
    return count


def compact_words(folder: Path) -> int:
    """Put every segment that has a newer one into columns, and return how many; for who holds the folder's lock."""
    for draft in folder.glob(f"{DRAFT}*"):
        draft.unlink()
    full = segments_of(folder)[:-1]
    for segment in full:
        _write(folder, segment)
        segment.unlink()
    return len(full)


def _write(folder: Path, segment: Path) -> None:
    import pyarrow.parquet as pq

    found = _scanned(segment)
    rows = found.rows.replace_schema_metadata({_TORN: str(found.torn)})
    draft = folder / f"{DRAFT}{secrets.token_hex(8)}"
    with draft.open("xb") as file:
        pq.write_table(rows, file, compression="zstd", use_dictionary=["number", "name"], write_page_checksum=True)
    sync(draft)
    if not _read(draft).rows.equals(found.rows):
        message = f"{draft}: it doesn't hold what was written; the disk may be failing; the segment was left as it is"
        raise DataInvalid(message)
    draft.rename(folder / f"{segment.stem}{COMPACTED}")
    sync(folder)


def _scanned(segment: Path) -> Words:
    decoder, seen = msgspec.json.Decoder(Label), Scan()
    labels = [read_as(decoder, payload, segment) for payload in scan(segment, seen)]
    return Words(in_columns(labels), seen.torn)


def _read(path: Path) -> Words:
    import pyarrow.parquet as pq

    with _whole(path):
        rows = pq.read_table(path, use_threads=False, page_checksum_verification=True, partitioning=None)
        torn = int((rows.schema.metadata or {})[_TORN])
        return Words(rows.replace_schema_metadata(None).cast(words_columns()), torn)


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Turn what a file that isn't what was written gives rise to into words."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        message = f"{path}: it is no file of labels ({type(error).__name__}); restore it from a backup"
        raise DataInvalid(message) from error
