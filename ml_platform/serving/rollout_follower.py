"""Rollout follower: which challenger is tried beside what is live; in doubt none, and the live version answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.deployments import Manifest
from ml_platform.adapters.rollout_manifests import rollout_path
from ml_platform.core.errors import PlatformError
from ml_platform.core.rollout import RolloutRecord
from ml_platform.serving.challenger import Canary, Challenger, Shadow, Tally
from ml_platform.serving.mirror import Mirror
from ml_platform.serving.rollout_check import manifest_of, running_rollout

if TYPE_CHECKING:
    from ml_platform.serving.live import Live

AGAIN_SECONDS = 5.0

log = logging.getLogger("ml_platform.serving")
Stamp = tuple[int, int, int]
Load = Callable[[Manifest], Awaitable["Live"]]


@dataclass(slots=True)
class RolloutFollower:
    """Follows the rollouts of one model in one environment; `problem` says why one isn't tried.

    Its manifest says when to look; while it is there the ledger is asked every few seconds, so that a rollout ends
    here even if its manifest stays. One that was seen to end never begins again.
    """

    home: Path
    model: str
    environment: str
    ignored: bool = False
    tally: Tally = field(default_factory=Tally)
    tried: Challenger | None = None
    _problem: str = ""
    _seen: tuple[Stamp | None, Manifest] | None = None
    _again_at: float = 0.0
    _over: set[str] = field(default_factory=set)

    @property
    def problem(self) -> str:
        """Say why a rollout isn't tried, or what ails its shadow; empty when all is well."""
        return self._problem or (self.tried.mirror.problem if isinstance(self.tried, Shadow) else "")

    async def look(self, live: Manifest, load: Load) -> Challenger | None:
        """Return what is tried beside `live` now; `load` makes a version ready."""
        seen = (None if self.ignored else self._stamp(), live)
        if seen == self._seen and (seen[0] is None or time.monotonic() < self._again_at):
            return self.tried
        try:
            rollout = None if seen[0] is None else await asyncio.to_thread(running_rollout, self.home, live)
            await self._try(rollout, load)
            self._problem = ""
        except (PlatformError, OSError) as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: whatever a challenger does, the live version serves
            self._failed(f"the challenger can't be loaded ({type(error).__name__}); end its rollout")
        self._seen, self._again_at = seen, time.monotonic() + AGAIN_SECONDS
        return self.tried

    def end(self) -> None:
        """Try nothing any longer."""
        if isinstance(self.tried, Shadow):
            self.tried.mirror.close()
        self.tried = None

    async def _try(self, rollout: RolloutRecord | None, load: Load) -> None:
        if self.tried is not None and rollout == self.tried.rollout:
            return
        if self.tried is not None:
            self._over.add(self.tried.rollout.rollout_id)
            log.info("%s version %d is no longer tried", self.model, self.tried.rollout.version)
        self.end()
        if rollout is not None and rollout.rollout_id not in self._over:
            self.tried = await self._begun(rollout, load)
            log.info("%s version %d is tried as a %s", self.model, rollout.version, rollout.strategy)

    async def _begun(self, rollout: RolloutRecord, load: Load) -> Challenger:
        challenger = await load(manifest_of(rollout))
        if rollout.strategy == "canary":
            return Canary(rollout, challenger, self.tally)
        return Shadow(rollout, Mirror(self.home, rollout, self.tally))

    def _failed(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("%s", problem)
        self._problem = problem
        self.end()

    def _stamp(self) -> Stamp | None:
        try:
            seen = rollout_path(self.home, self.environment, self.model).stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_ino, seen.st_size
