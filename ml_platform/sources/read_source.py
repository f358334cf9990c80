"""Read source: exactly the source that was looked at, of incremental tables only what is new; what is kept of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.sources.kept import NOTHING, Past, before, keep
from ml_platform.sources.read import changed_while_read, is_incremental, read_rows
from ml_platform.sources.rows import Rows

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

    from ml_platform.core.records import SourceFingerprint
    from ml_platform.policy.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Read:
    """The source's tables as frames, and of the incremental ones the parts that they were read in."""

    frames: Mapping[str, pd.DataFrame]
    parts: Mapping[str, Rows]


def read_source(spec: ModelSpec, source: SourceFingerprint, *, past: Past | None, now: dt.datetime) -> Read:
    """Read every table of the source; of incremental ones only what is new since it was kept in the `past`.

    Raises DataInvalid, naming the table, when one isn't exactly the one that the fingerprint names.
    """
    frames, parts = {}, {}
    for name, table in spec.source.tables.items():
        kept = before(past, spec, name) if past is not None and is_incremental(table) else NOTHING
        rows = read_rows(spec, name, kept, now=now)
        if source.tables.get(name) != rows.digest:
            raise DataInvalid(changed_while_read(spec, [name]))
        frames[name] = rows.table.to_pandas()
        if is_incremental(table):
            parts[name] = rows
    return Read(frames, parts)


def keep_read(spec: ModelSpec, read: Read, *, past: Past, without: Collection[str]) -> None:
    """Keep what was read of incremental tables, but of those in `without`."""
    for name, rows in read.parts.items():
        if name not in without:
            keep(past, spec, name, rows)


def measure_read(read: Read) -> tuple[Measurement, ...]:
    """Return, for each incremental table, how many rows were read and how many came late."""
    found = []
    for name, rows in read.parts.items():
        for metric, value, facts in (
            ("source_late_rows", rows.late, {"rows gone": rows.gone}),
            ("source_rows_read", rows.read, {"rows kept": rows.table.num_rows - rows.read}),
        ):
            each = Measurement(
                metric=metric, value=value, n=rows.table.num_rows, unit="rows", subject=name, facts=facts
            )
            found.append(each)
    return tuple(found)
