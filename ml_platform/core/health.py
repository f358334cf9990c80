"""Health: what was looked at of the machine, of Dagster and of everything that ends some day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SCHEMA_VERSION = 1
By = Literal["sensor", "command", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is left of the machine; None where it can't be read here."""

    memory_available_share: float | None
    load_per_cpu: float | None
    disk_free_bytes: int | None
    disk_total_bytes: int | None

    @property
    def disk_free_share(self) -> float | None:
        """Return the share of the disk that is free."""
        if self.disk_free_bytes is None or not self.disk_total_bytes:
            return None
        return self.disk_free_bytes / self.disk_total_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the platform: that somebody looked is the heartbeat, what was seen is the history."""

    schema_version: int = SCHEMA_VERSION
    at: dt.datetime
    by: By
    machine: Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """What Dagster's instance knows of its daemon: ages in seconds, None for what never happened.

    `sensors` are those that are switched on. `why` says why nothing is known.
    """

    heartbeat_seconds: float | None = None
    sensors: Mapping[str, float | None] = field(default_factory=dict)
    queued: int = 0
    oldest_queued_seconds: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something that ends on its own."""

    what: str
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One channel that hears of a model: since when a notice waits, and when something last arrived."""

    channel: str
    waits_since: dt.datetime | None
    arrived_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that is measured of the health around one model.

    `service` is what the service at the configured address said: None when none is configured. `windows_end` is the
    end of the newest monitored window, `watched_since` when watching began; None when no month is watched now.
    """

    now: dt.datetime
    machine: Machine
    looks: tuple[Look, ...]
    daemon: Daemon
    audit_problems: int
    stages: Mapping[str, dt.datetime]
    endings: tuple[Ending, ...]
    key_made_at: dt.datetime | None
    windows_end: dt.datetime | None
    watched_since: dt.datetime | None
    service: str | None
    channels: tuple[Pending, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRecord:
    """That the health around a model was looked at, when and in which run."""

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    at: dt.datetime
    run_id: str
