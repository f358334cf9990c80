"""Challenger: the version that a rollout tries beside the live one, as a canary that answers its share or a shadow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.rollout import RolloutRecord
from ml_platform.serving.mirror import Mirror

if TYPE_CHECKING:
    from ml_platform.serving.live import Live  # noqa: TC004 - it holds what is defined here
    from ml_platform.serving.request import Rows


@dataclass(slots=True)
class Tally:
    """What a service process counts of its rollouts, in rows."""

    canary: int = 0
    fallbacks: int = 0
    mirrored: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Canary:
    """A challenger that answers some requests instead of what is live."""

    rollout: RolloutRecord
    live: Live
    tally: Tally

    def takes(self, rows: Rows, given: str) -> bool:
        """Say whether it answers a request: by the first row's key, else by the id given to its first prediction."""
        key = rows[0].get(self.rollout.sticky_by) if self.rollout.sticky_by else None
        return self.rollout.takes(given if key is None else str(key))


@dataclass(frozen=True, slots=True)
class Shadow:
    """A challenger that scores everything besides, in a process of its own, for nobody."""

    rollout: RolloutRecord
    mirror: Mirror


Challenger = Canary | Shadow
