"""What a stage of a run took of the machine. These numbers differ from run to run: no digest of evidence holds them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used between two moments; `peak_is_own` says that the peak is of this time, not of the process' life.

    CPU seconds are those of the process and of its children that ended; the memory is the process' own.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    peak_is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one stage of one run took; `remembered` when it only recalled what it had made before.

    `rows` is how many rows it handled, where its record says so.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    stage: str
    run_id: str
    at: dt.datetime
    outcome: Literal["worked", "remembered", "failed"]
    usage: Usage
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecord:
    """What the stages of one run took, up to the release that it ended in; `cost` is None without a price table."""

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    run_id: str
    candidate_digest: str
    stages: tuple[Spent, ...]
    costs: dict[str, float]
    cost: float | None = None
    currency: str = ""
