"""Kept: rows of an incremental table that were read before, in chunks named by their content.

What is kept is a shortcut, never the truth: a chunk that is gone or altered is read from the source again.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measured import Measured
from ml_platform.core.ports import ArtefactStore, Memory
from ml_platform.sources.chunk import SCHEMA_VERSION, Chunk, KeptRows

if TYPE_CHECKING:
    import pyarrow as pa  # noqa: TC004  (dear, and nobody reads these dataclasses' annotations)

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.sources.rows import Part, Rows

KIND = "chunks"
MOST_CHUNKS = 64
_FILE = "rows.parquet"


@dataclass(frozen=True, slots=True)
class Before:
    """What was kept of a table, and how to get a chunk's rows; None when they are gone."""

    kept: KeptRows
    load: Callable[[Chunk], pa.Table | None]


NOTHING = Before(KeptRows(), lambda _: None)


@dataclass(frozen=True, slots=True)
class Past:
    """Where rows are kept between runs."""

    store: ArtefactStore
    memory: Memory


def before(past: Past, spec: ModelSpec, name: str) -> Before:
    """Return what was kept of exactly this table; nothing when it is declared or read otherwise now."""
    found = past.memory.recall(f"{spec.model}.chunks", _key(spec, name), KeptRows)
    return Before(found.record, lambda chunk: _loaded(past.store, chunk)) if found else NOTHING


def keep(past: Past, spec: ModelSpec, name: str, rows: Rows) -> None:
    """Keep the parts of a reading that can be used again: those that will be recognised, whole, in order."""
    parts = [part for part in rows.parts if part.again]
    chunks = tuple(part.chunk or _stored(past.store, part) for part in parts)
    record = KeptRows(chunks=chunks, text=rows.text)
    past.memory.remember(f"{spec.model}.chunks", _key(spec, name), Measured(record=record, measurements=()))


def _stored(store: ArtefactStore, part: Part) -> Chunk:
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(part.table, sink, compression="zstd", compression_level=1)
    content = sink.getvalue()
    digest = digest_of_bytes(content)
    store.put(KIND, digest, {_FILE: content})
    return Chunk(
        name=part.name,
        mark=part.mark,
        source_digest=part.digest,
        digest=digest,
        rows=part.table.num_rows,
        highest=part.highest,
    )


def _loaded(store: ArtefactStore, chunk: Chunk) -> pa.Table | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = store.read(KIND, chunk.digest, _FILE)
        return pq.read_table(pa.BufferReader(content), use_threads=False)
    except (DataInvalid, Unavailable, pa.ArrowException):
        return None


def _key(spec: ModelSpec, name: str) -> str:
    import pyarrow as pa

    text = sorted(column for column, said in spec.contract.items() if said.type == "category")
    table = spec.source.tables[name].model_dump(mode="json")
    return digest_of({"version": SCHEMA_VERSION, "name": name, "table": table, "text": text, "pyarrow": pa.__version__})
