"""Chunk: the record of rows that were read of an incremental table, and of all that were kept of it."""

from __future__ import annotations

from dataclasses import dataclass

from ml_platform.sources.watermark import Watermark

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Rows that were read: of which file with which mark, or up to which watermark; `digest` names where they are."""

    name: str
    mark: str
    source_digest: str
    digest: str
    rows: int
    highest: Watermark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRows:
    """A table's chunks in order; `text` are the columns that were read as text because one file's were."""

    schema_version: int = SCHEMA_VERSION
    chunks: tuple[Chunk, ...] = ()
    text: tuple[str, ...] = ()
