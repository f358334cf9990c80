"""A notice: what somebody has to know, why, and what to do now; made from one entry of the audit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

NoticeKind = Literal[
    "refused", "approval_needed", "released", "deployed", "rolled_back", "rejected", "harm", "retraining", "expiring",
    "unhealthy", "silent", "freeze_ended", "test",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told. `key` never comes twice and is the same whenever it is tried again; receivers drop a known one.

    `cause` is the same for notices that say the same again. `model` is empty when the platform itself is meant.
    """

    key: str
    kind: NoticeKind
    model: str
    cause: str
    title: str
    evidence: tuple[str, ...]
    next_step: str
    at: dt.datetime
    sequence: int

    def text(self) -> str:
        """Say it in plain lines, the title left out."""
        return "\n".join(
            (
                *(f"- {line}" for line in self.evidence),
                f"Next: {self.next_step}",
                f"At {self.at:%Y-%m-%d %H:%M} UTC, audit entry {self.sequence}, key {self.key}",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """That a notice arrived: how it is known, and how often it was tried."""

    how: str
    tries: int = 1
