"""Read: the tables of a model's source as frames, and the fingerprint that says whether they changed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.errors import Unavailable
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.core.records import SourceFingerprint
from ml_platform.sources.content import describe, parse_table
from ml_platform.sources.locate import locate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

SECONDS_PER_DAY = 86_400


def fingerprint(spec: ModelSpec, *, now: dt.datetime) -> Measured[SourceFingerprint]:
    """Return the SHA-256 of every table's bytes, with size and age; of its rows nothing is parsed.

    The age counts from the newest change of a file, as the file system tells it. Raises Unavailable or DataInvalid.
    """
    digests: dict[str, str] = {}
    facts: dict[str, Mapping[str, Fact]] = {}
    size, changed = 0, []
    for name, path in _paths(spec).items():
        content = _bytes(spec, name, path)
        digests[name] = digest_of_bytes(content)
        facts[name] = describe(_where(spec, name), content, spec.source.tables[name].csv)
        size += len(content)
        changed.append(path.stat().st_mtime)
    modified_at = dt.datetime.fromtimestamp(max(changed), tz=dt.UTC)
    record = SourceFingerprint(
        model=spec.model,
        digest=digest_of(digests),
        tables=digests,
        size_bytes=size,
        modified_at=modified_at,
        facts=facts,
    )
    return Measured(record=record, measurements=_measurements(record, now))


def read_tables(spec: ModelSpec) -> dict[str, pd.DataFrame]:
    """Read every table of the source; text columns are categorical, columns declared as category always text."""
    text = [name for name, column in spec.contract.items() if column.type == "category"]
    return {
        name: parse_table(
            _where(spec, name),
            _bytes(spec, name, path),
            text_columns=text,
            form=spec.source.tables[name].csv,
            columns=spec.source.tables[name].columns,
        ).to_pandas()
        for name, path in _paths(spec).items()
    }


def _measurements(record: SourceFingerprint, now: dt.datetime) -> tuple[Measurement, ...]:
    count = len(record.tables)
    age = (now - record.modified_at).total_seconds() / SECONDS_PER_DAY if record.modified_at else None
    return (
        Measurement(metric="source_age_days", value=age, n=count, unit="days"),
        Measurement(metric="source_size_bytes", value=record.size_bytes, n=count, unit="bytes"),
        Measurement(metric="source_tables", value=count, n=count),
    )


def _where(spec: ModelSpec, table: str) -> str:
    return f"{spec.model}: source.tables.{table}"


def _paths(spec: ModelSpec) -> dict[str, Path]:
    return {name: locate(_where(spec, name), table) for name, table in spec.source.tables.items()}


def _bytes(spec: ModelSpec, table: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{_where(spec, table)}: {path} can't be read ({error.strerror}); check its permissions and the disk"
        raise Unavailable(message) from error
