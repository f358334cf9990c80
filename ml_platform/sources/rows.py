"""Rows: what reading a table gave - its rows, the digest of what was read, and the parts that can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.sources.chunk import Chunk, KeptRows
from ml_platform.sources.watermark import Watermark

if TYPE_CHECKING:
    import pyarrow as pa  # noqa: TC004  (dear, and nobody reads these dataclasses' annotations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of one file, or up to one watermark. `chunk` is where they were kept, None when they were read now.

    `again` says that they can be recognised next time, and so may be kept.
    """

    name: str
    mark: str
    digest: str
    table: pa.Table
    again: bool
    chunk: Chunk | None = None
    highest: Watermark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A table's rows, and the digest of exactly what they were read from. `late` rows came below what was kept."""

    table: pa.Table
    digest: str
    parts: Sequence[Part] = ()
    text: tuple[str, ...] = ()
    late: int = 0
    gone: int = 0

    @property
    def read(self) -> int:
        """Return how many rows were read now."""
        kept = sum(part.chunk.rows for part in self.parts if part.chunk is not None)
        return int(self.table.num_rows) - kept


def late_and_gone(kept: KeptRows, parts: Sequence[Part]) -> tuple[int, int]:
    """Return how many rows came late, into files that sort before the last one known, and how many are gone."""
    rows = {chunk.name: chunk.rows for chunk in kept.chunks}
    last = max(rows, default="")
    late = sum(max(0, part.table.num_rows - rows.get(part.name, 0)) for part in parts if part.name < last)
    seen = {part.name: part.table.num_rows for part in parts}
    gone = sum(max(0, count - seen.get(name, 0)) for name, count in rows.items())
    return late, gone
