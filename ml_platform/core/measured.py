"""What a stage hands on: its record, what it measured on the way, and whether anything was new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ml_platform.core.measurement import Measurement

RecordT = TypeVar("RecordT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Generic[RecordT]):
    """A record with the measurements made while it was produced; `unchanged` when it was there already."""

    record: RecordT
    measurements: tuple[Measurement, ...]
    unchanged: bool = False

    def remembered(self) -> Measured[RecordT]:
        """Return the same, marked as unchanged."""
        return replace(self, unchanged=True)
