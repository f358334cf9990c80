"""The record shelf: what each asset last produced, as one JSON file; Dagster's IO manager over it (never pickle).

`<home>/records/<asset path>/<partition>.json` (`latest.json` without partitions). A record that names its content
stands beside it under its digest too, so that the records behind an older release can be found.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import dagster as dg
import msgspec

from ml_platform.core.atomic import write_atomically
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.settings import load_settings

RecordT = TypeVar("RecordT")
FOLDER = "records"
WHOLE = "latest"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def record_path(home: Path, key: Sequence[str], partition: str | None = None) -> Path:
    """Return where the record of an asset (and of one of its partitions) lies."""
    parts = (*key, partition or WHOLE)
    if any(not part or part.startswith(".") or "/" in part for part in parts):
        message = f"records: {'/'.join(parts)!r} names no asset; plain names are needed; rename the asset or partition"
        raise DataInvalid(message)
    return home.joinpath(FOLDER, *key, f"{parts[-1]}.json")


def write_record(home: Path, key: Sequence[str], record: object, partition: str | None = None) -> Path:
    """Put an asset's record on the shelf, atomically; only dataclasses are records."""
    path = record_path(home, key, partition)
    if not dataclasses.is_dataclass(record) or isinstance(record, type):
        seen = type(record).__name__
        message = f"{'/'.join(key)}: a {seen} is no record; assets hand on frozen dataclasses; return one"
        raise DataInvalid(message)
    write_atomically(path, msgspec.json.format(msgspec.json.encode(record)) + b"\n")
    return path


def keep_record(home: Path, key: Sequence[str], record: object, partition: str | None = None) -> Path:
    """Put an asset's record on the shelf as its newest one, and under its digest for good."""
    digest = getattr(record, "digest", "")
    if digest and read_record(home, key, type(record), digest) is None:
        write_record(home, key, record, digest)
    return write_record(home, key, record, partition)


def read_record(
    home: Path, key: Sequence[str], record_type: type[RecordT], partition: str | None = None
) -> RecordT | None:
    """Return an asset's record, None when there is none yet; raises DataInvalid when it isn't one of this type."""
    path = record_path(home, key, partition)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"{path}: can't be read ({error.strerror}); check its permissions") from error
    try:
        record = msgspec.json.decode(content, type=record_type)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"{path}: not a {record_type.__name__} ({error}); materialise {'/'.join(key)} again"
        raise DataInvalid(message) from error
    _require_schema(path, record)
    return record


def read_partitions(home: Path, key: Sequence[str], record_type: type[RecordT]) -> list[RecordT]:
    """Return the records of all partitions of an asset, in the order of their names."""
    folder = record_path(home, key).parent
    names = sorted(path.stem for path in folder.glob("*.json") if not _DIGEST.fullmatch(path.stem))
    found = [read_record(home, key, record_type, name) for name in names if name != WHOLE]
    return [record for record in found if record is not None]


def _require_schema(path: Path, record: object) -> None:
    needed = {item.name: item.default for item in dataclasses.fields(type(record))}.get("schema_version")  # type: ignore[arg-type]
    seen = getattr(record, "schema_version", None)
    if needed != seen:
        raise DataInvalid(f"{path}: schema version {seen}, known: {needed}; update the platform or materialise again")


class RecordIOManager(dg.IOManager):
    """Keeps the records that assets hand on; the type of the asset's output says what is read back."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Put the record of an asset on the shelf."""
        partition = context.partition_key if context.has_asset_partitions else None
        path = keep_record(load_settings().home, context.asset_key.path, obj, partition)
        context.add_output_metadata({"record": dg.MetadataValue.path(str(path))})

    def load_input(self, context: dg.InputContext) -> object:
        """Read the record of an upstream asset; raises Unavailable when it was never materialised."""
        key = context.asset_key
        partition = context.asset_partition_key if context.has_asset_partitions else None
        record_type = context.dagster_type.typing_type
        record = read_record(load_settings().home, key.path, record_type, partition)
        if record is None:
            of = f" of {partition}" if partition else ""
            message = f"{key.to_user_string()}: there is no record{of} yet; it is needed here; materialise it first"
            raise Unavailable(message)
        return record


RECORDS = RecordIOManager()
RECORDS_KEY = "ml_platform_records"
RESOURCES = {RECORDS_KEY: RECORDS, "io_manager": RECORDS}
