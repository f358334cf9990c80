"""A reproduction: a version made again, compared with its record stage by stage, and why the first difference is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ml_platform.core.records import SCHEMA_VERSION


class Kind(StrEnum):
    """What a difference is in, in the order in which they are named."""

    DATA = "data"
    CODE = "code"
    PARAMETERS = "parameters"
    ENVIRONMENT = "environment"
    HARDWARE = "hardware"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that isn't as it was recorded, and the first stage that it can change ("": none)."""

    kind: Kind
    text: str
    since: str = "source"


class StageState(StrEnum):
    """How a stage that was made again compares with its record."""

    IDENTICAL = "identical"
    DIFFERS = "differs"
    FAILED = "failed"
    STORED = "stored"  # not made again: what was stored stands in for it
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMade:
    """A stage made again; `parts` names what differs of it, `note` says how it was made or why it failed."""

    stage: str
    state: StageState
    parts: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What came of making a version again.

    `reasons` say why the first stage differs, empty when none does. `notes` are differences that changed nothing.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    version: int
    made_from: str
    environment: str
    stages: tuple[StageMade, ...]
    reasons: tuple[Difference, ...] = ()
    notes: tuple[Difference, ...] = ()

    @property
    def first(self) -> StageMade | None:
        """Return the first stage that isn't as it was recorded."""
        wrong = (StageState.DIFFERS, StageState.FAILED)
        return next((one for one in self.stages if one.state in wrong), None)

    @property
    def identical(self) -> bool:
        """Say whether every stage is as it was recorded; one that wasn't reached isn't."""
        good = (StageState.IDENTICAL, StageState.STORED)
        return bool(self.stages) and all(one.state in good for one in self.stages)
