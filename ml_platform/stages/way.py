"""The way live: at once, by proving itself on live traffic beside what is live, or because it has done so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Directly:
    """It replaces what is live at once; `instead` says why, where it was to be tried first, and is audited."""

    instead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """It is tried beside what is live; where nothing is live, it goes live directly.

    `rollout_id` is drawn at random; the others are those of a `RolloutRecord`.
    """

    rollout_id: str
    strategy: Literal["shadow", "canary"]
    weight: float
    sticky_by: str
    rules_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """It was tried, and its rollout decided for it: the approvals that were used when that began speak for it."""

    rollout_id: str


Way = Directly | Tried | Proven
DIRECTLY = Directly()
