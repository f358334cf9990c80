"""Live: which version the service scores with; it follows the deployment manifest without dropping a request."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import Manifest, manifest_path, read_manifest
from ml_platform.core.errors import DataInvalid, PlatformError
from ml_platform.serving.challenger import Canary, Challenger
from ml_platform.serving.clean_check import Limits, check_in_child
from ml_platform.serving.contract_check import Checked, ContractCheck
from ml_platform.serving.fast_reader import FastReader
from ml_platform.serving.input_guard import accepted_at_once
from ml_platform.serving.outliers import Outliers
from ml_platform.serving.predictor import Predictor
from ml_platform.serving.release_check import require_live
from ml_platform.serving.release_files import require_files
from ml_platform.serving.request import Rows, parse
from ml_platform.serving.rollout_follower import RolloutFollower

LOOK_SECONDS = 0.2
RETRY_SECONDS = 5.0

log = logging.getLogger("ml_platform.serving")
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Live:
    """One version, ready to score, with what is tried `beside` it; a request keeps those it began with."""

    manifest: Manifest
    predictor: Predictor
    fast_reader: FastReader
    contract_check: ContractCheck
    logged_columns: tuple[str, ...]
    beside: Challenger | None = None
    outliers: Outliers | None = None

    @classmethod
    def of(cls, manifest: Manifest, predictor: Predictor) -> Live:
        """Make a version ready to answer."""
        contract, levels, guard = predictor.contract, predictor.levels, predictor.guard
        logged = tuple(column.name for column in contract.inputs if column.logged)
        reader = FastReader(accepted_at_once(contract, guard, levels))
        outliers = Outliers(guard.detector, predictor.matrix_of) if guard.detector else None
        return cls(manifest, predictor, reader, ContractCheck(contract, levels, guard), logged, outliers=outliers)

    def without_canary(self) -> Live:
        """Return it as who asks for exactly this version meets it; such a request isn't drawn, so it counts nowhere."""
        return replace(self, beside=None) if isinstance(self.beside, Canary) else self

    def read(self, body: bytes) -> tuple[Rows, Checked]:
        """Return a request's rows, checked; raises Refused with every problem."""
        rows = self.fast_reader.read(body)
        if rows is not None:
            checked = self.contract_check.check_times(rows)
            if checked is not None:
                return rows, checked
        rows = parse(body)
        return rows, self.contract_check.check(rows)


@dataclass(slots=True)
class Follower:
    """Follows one model's manifest in one environment.

    A version that isn't live by the ledger, or can't be verified, loaded or scored, leaves the last good one serving;
    `problem` says so, and it is tried again every few seconds. `rollout` follows what is tried beside it.
    """

    home: Path
    model: str
    environment: str
    on_swap: Callable[[Live], object]
    limits: Limits = field(default_factory=Limits)
    live: Live | None = None
    problem: str = ""
    rollout: RolloutFollower = field(init=False)
    _seen: Stamp | None = None
    _since: dt.datetime | None = None
    _retry_at: float = 0.0
    _checked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Follow the rollouts of the same model."""
        self.rollout = RolloutFollower(self.home, self.model, self.environment)

    async def follow(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Load what the manifests name, if they changed or failed the last time."""
        await self._look()
        if self.live is not None:
            beside = await self.rollout.look(self.live.manifest, self._challenger)
            if beside is not self.live.beside:
                self.live = replace(self.live, beside=beside)

    async def _challenger(self, manifest: Manifest) -> Live:
        return Live.of(manifest, await self._predictor(manifest))

    async def _look(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen and not (self.problem and time.monotonic() >= self._retry_at):
            return
        try:
            await self._load()
            self.problem = ""
        except (PlatformError, OSError) as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: whatever a version does, the last good one serves
            self._failed(f"the new version can't be loaded ({type(error).__name__}); deploy another, or release again")
        self._seen = stamp

    def _failed(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem
        self._retry_at = time.monotonic() + RETRY_SECONDS

    def _stamp(self) -> Stamp | None:
        try:
            seen = manifest_path(self.home, self.environment, self.model).stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_ino, seen.st_size

    async def _load(self) -> None:
        manifest = read_manifest(self.home, self.environment, self.model)
        if manifest is None:
            if self.live is not None:
                path = manifest_path(self.home, self.environment, self.model)
                message = f"{path} is gone; version {self.live.manifest.version} is still served: deploy again"
                raise DataInvalid(message)
            return
        if (manifest.model, manifest.environment) != (self.model, self.environment):
            message = (
                f"{manifest_path(self.home, self.environment, self.model)}: it is about {manifest.model} in "
                f"{manifest.environment}, not {self.model} in {self.environment}: deploy again"
            )
            raise DataInvalid(message)
        if self.live is not None and manifest == self.live.manifest:
            return
        since = await asyncio.to_thread(require_live, self.home, manifest, self._since)
        predictor = await self._predictor(manifest)
        self.live, self._since = Live.of(manifest, predictor), since
        self.on_swap(self.live)
        log.info("serving %s version %d in %s", self.model, manifest.version, self.environment)

    async def _predictor(self, manifest: Manifest) -> Predictor:
        digest = manifest.model_digest
        folder = self.home / "models" / digest
        if self.live is not None and self.live.predictor.digest == digest:
            return self.live.predictor
        tried = self.rollout.tried
        if isinstance(tried, Canary) and tried.live.predictor.digest == digest:
            return tried.live.predictor
        await asyncio.to_thread(require_files, FileArtefacts(self.home), digest)
        if digest not in self._checked:
            await check_in_child(folder, digest, limits=self.limits)
            self._checked.add(digest)
        predictor = await asyncio.to_thread(Predictor.load, FileArtefacts(self.home), digest)
        if predictor.contract.model != self.model:
            message = f"{folder}: it is a model of {predictor.contract.model}, not of {self.model}: deploy again"
            raise DataInvalid(message)
        return predictor
