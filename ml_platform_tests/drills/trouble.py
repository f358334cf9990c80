"""Trouble for a scoring service: versions come, go and are tried, models are forged, and its processes are killed."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.compact_traffic import compact
from ml_platform.adapters.deployments import write_manifest
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
from ml_platform.adapters.rollout_manifests import rollout_path, show_rollouts
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.core.rollout import Ending, RolloutEnd, RolloutRecord
from ml_platform.stages.rollback import rollback
from ml_platform_tests.drills.load import Answer
from ml_platform_tests.serving.asking import Server, wait_until
from ml_platform_tests.serving.small_model import MODEL, SINCE, begin_rollout, put_model, released, show

ENVIRONMENT = "staging"
MODELS = (1, 2)  # their seeds
UNPROVEN = 3
WEIGHT = 0.4
PICKED_UP_SECONDS = 60.0
OK = 200
FAILS_ABOVE = 4000.0
FAILING = f'''"""Features that fail where the distance is long."""

import numpy as np


def transform(columns, state):
    """Refuse what some rows have."""
    if (columns["distance"] > {FAILS_ABOVE}).any():
        raise ValueError("too far")
    angle = columns["hour"] * (2 * np.pi / 24)
    return {{**columns, "hour_sin": np.sin(angle), "hour_cos": np.cos(angle), "long": columns["distance"] - 1000.0}}
'''


@dataclass(slots=True)
class Tried:
    """A rollout, and the moments between which it ran; the challenger may be one that fails on some rows."""

    record: RolloutRecord
    fails: bool
    since: float
    until: float = float("inf")


@dataclass(slots=True)
class Trouble:
    """Makes it, a kind at a time, and remembers from when on which version was live and which was tried.

    `seeds` says which model a version has. While a forgery is shown, a worker that starts finds nothing to serve.
    """

    home: Path
    server: Server
    answers: Sequence[Answer]
    rng: random.Random
    live: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 1)])
    seeds: dict[int, int] = field(default_factory=lambda: {1: 1})
    tried: list[Tried] = field(default_factory=list)
    forged: list[tuple[float, float]] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)

    def make(self) -> None:
        """Make the next trouble."""
        kinds = (
            self.try_canary, self.kill, self.promote_tried, self.try_shadow, self.kill, self.kill_shadow, self.cancel,
            self.forge, self.compact, self.roll_back, self.try_failing_canary, self.kill, self.stop, self.promote,
            self.try_shadow, self.kill, self.promote_tried, self.forge, self.kill, self.promote, self.try_canary,
            self.kill, self.roll_back, self.compact,
        )  # fmt: skip
        kind = kinds[self.made.total() % len(kinds)]
        kind()
        self.made[kind.__name__] += 1

    def promote(self) -> None:
        version = self._next()
        self._deploy(version, put_model(self.home, seed=self.seeds[version]))

    def promote_tried(self) -> None:
        record = self.tried[-1].record
        self._deploy(record.version, record.model_digest, rollout=record.rollout_id)

    def roll_back(self) -> None:
        moment = time.monotonic()
        with self._ledger() as (ledger, now):
            store = FileArtefacts(self.home)
            rollback(ledger, store, MODEL, ENVIRONMENT, actor="bob", reason="a drill", now=now)
            self._moved(ledger, moment)

    def try_canary(self) -> None:
        self._try("canary", sticky_by=self.rng.choice(["", "distance", "wind"]))

    def try_failing_canary(self) -> None:
        self._try("canary", source=FAILING)

    def try_shadow(self) -> None:
        self._try("shadow")

    def cancel(self) -> None:
        self._end("cancelled")

    def stop(self) -> None:
        self._end("stopped")

    def kill(self) -> None:
        self._kill(children_of(self.server.process.pid))

    def kill_shadow(self) -> None:
        every = [pid for worker in children_of(self.server.process.pid) for pid in children_of(worker)]
        self._kill([pid for pid in every if is_shadow(pid)])

    def forge(self) -> None:
        """Show a model that nobody released as live, and as tried, as somebody with the disk could."""
        self.forged.append((time.monotonic(), float("inf")))
        digest, (_, live) = put_model(self.home, seed=UNPROVEN), self.live[-1]
        show(self.home, digest, "e" * 64, version=99)
        forged = RolloutRecord(
            rollout_id="forged", model=MODEL, environment=ENVIRONMENT, strategy="canary", weight=1.0, champion=live,
            champion_digest=put_model(self.home, seed=self.seeds[live]), version=99, model_digest=digest,
            evidence_digest="e" * 64, rules_digest="d" * 64, since=SINCE, actor="bob", reason="a drill",
        )  # fmt: skip
        rollout_path(self.home, ENVIRONMENT, MODEL).write_bytes(msgspec.json.encode(forged))

    def compact(self) -> None:
        compact(self.home / "traffic" / ENVIRONMENT / MODEL, keys=FileKeys(self.home))

    def _next(self) -> int:
        """Return a new version; its model is another one than that which is live."""
        version = max(self.seeds) + 1
        self.seeds[version] = sum(MODELS) - self.seeds[self.live[-1][1]]
        return version

    def _deploy(self, version: int, digest: str, *, rollout: str = "") -> None:
        with self._ledger() as (ledger, now):
            release, moment = released(self.home, ledger, digest, version), time.monotonic()
            ledger.deploy(
                release, ENVIRONMENT, actor="bob", reason="a drill", approvals=(), rollout=rollout, at=now
            )  # fmt: skip
            self._moved(ledger, moment)

    def _try(self, strategy: Literal["canary", "shadow"], *, sticky_by: str = "", source: str = "") -> None:
        version, since = self._next(), time.monotonic()
        seed, weight = self.seeds[version], WEIGHT if strategy == "canary" else 0.0
        digest = put_model(self.home, seed=seed, source=source) if source else put_model(self.home, seed=seed)
        record = begin_rollout(
            self.home, digest, version=version, strategy=strategy, weight=weight, sticky_by=sticky_by,
            rollout_id=f"r{version}",
        )  # fmt: skip
        self.tried.append(Tried(record, bool(source), since))
        try:
            wait_until(self._is_answering if strategy == "canary" else self._is_mirrored, PICKED_UP_SECONDS)
        except AssertionError as error:
            health = self.server.ask("GET", "/health").body
            raise AssertionError(f"{record} isn't tried: {health!r}") from error

    def _is_answering(self) -> bool:
        return any(one.version == self.tried[-1].record.version for one in self.answers[-100:])

    def _is_mirrored(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):  # its worker may just have been killed
            said = self.server.ask("GET", "/version")
            return said.status == OK and said.json["rollout"] is not None
        return False

    def _end(self, outcome: Ending) -> None:
        with self._ledger() as (ledger, now):
            rollout_id = self.tried[-1].record.rollout_id
            ledger.end_rollout(
                RolloutEnd(rollout_id=rollout_id, outcome=outcome, at=now, actor="bob", reason="a drill")
            )
            self._over()
            show_rollouts(self.home, ledger)

    def _moved(self, ledger: SqliteLedger, moment: float) -> None:
        """Show what is live since a moment; whatever was tried is over, and a forgery is covered up."""
        live = ledger.live(MODEL, ENVIRONMENT)
        assert live is not None
        self.live.append((moment, live.version))
        self._over()
        write_manifest(self.home, FileArtefacts(self.home), live)
        show_rollouts(self.home, ledger)
        if self.forged and self.forged[-1][1] == float("inf"):
            self.forged[-1] = (self.forged[-1][0], time.monotonic())

    def _over(self) -> None:
        for tried in self.tried[-1:]:
            tried.until = min(tried.until, time.monotonic())

    def _kill(self, processes: Sequence[int]) -> None:
        if processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.rng.choice(processes), signal.SIGKILL)

    @contextlib.contextmanager
    def _ledger(self) -> Iterator[tuple[SqliteLedger, dt.datetime]]:
        now = dt.datetime.now(dt.UTC)
        checkpoints = Checkpoints(target_of(self.home, ""), FileSigningKeys(self.home))
        path = self.home / "ledger.sqlite"
        with contextlib.closing(SqliteLedger(path, clock=lambda: now, checkpoints=checkpoints)) as ledger:
            yield ledger, now


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started and that still run; none when it is gone itself."""
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def is_shadow(pid: int) -> bool:
    """Say whether a process is a shadow, and not one in which a model is checked."""
    with contextlib.suppress(OSError):
        return b"ml_platform.serving.shadow" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
