"""Promote, roll back, forge, compact and kill workers under load: no wrong score, nothing unproven, nothing lost."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.compact_traffic import compact
from ml_platform.adapters.deployments import write_manifest
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.stages.rollback import rollback
from ml_platform_tests.drills.load import Answer, Load
from ml_platform_tests.serving.asking import Server, serving
from ml_platform_tests.serving.small_model import MODEL, expected_scores, make_live, make_rows, put_model, show

ROWS = make_rows(50)
BODIES = [json.dumps({"dataframe_records": [row]}).encode() for row in ROWS]
UNPROVEN = 3
SHARE_OF_CAPACITY = 0.7
# How long a worker may go on with what was live before: it looks, verifies, and loads in a busy machine; a new one too.
SWAP_SECONDS = 20.0


@dataclass(slots=True)
class Trouble:
    """Makes it, a kind at a time; `live` says which version was live from when on, and which came after it."""

    home: Path
    server: Server
    rng: random.Random
    digests: dict[int, str]
    live: list[tuple[float, int]] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)

    def make(self) -> None:
        """Make some trouble."""
        kinds = [self.promote, self.kill, self.roll_back, self.kill, self.forge, self.compact]
        kind = kinds[self.made.total() % len(kinds)]
        kind()
        self.made[kind.__name__] += 1

    def promote(self) -> None:
        version = max(version for _, version in self.live) + 1
        self.live.append((time.monotonic(), version))
        make_live(self.home, self.digests[seed_of(version)], version=version)

    def roll_back(self) -> None:
        now = dt.datetime.now(dt.UTC)
        checkpoints = Checkpoints(target_of(self.home, ""), FileSigningKeys(self.home))
        with contextlib.closing(
            SqliteLedger(self.home / "ledger.sqlite", clock=lambda: now, checkpoints=checkpoints)
        ) as ledger:
            moment = time.monotonic()
            rollback(ledger, FileArtefacts(self.home), MODEL, "staging", actor="bob", reason="a drill", now=now)
            live = ledger.live(MODEL, "staging")
        assert live is not None
        self.live.append((moment, live.version))
        write_manifest(self.home, FileArtefacts(self.home), live)

    def kill(self) -> None:
        children = Path(f"/proc/{self.server.process.pid}/task/{self.server.process.pid}/children").read_text().split()
        if children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self.rng.choice(children)), signal.SIGKILL)

    def forge(self) -> None:
        """Show a model that nobody released, as somebody with the disk could."""
        show(self.home, self.digests[UNPROVEN], "e" * 64, version=99)

    def compact(self) -> None:
        compact(self.home / "traffic" / "staging" / MODEL, keys=FileKeys(self.home))


def seed_of(version: int) -> int:
    return 2 - version % 2


@pytest.mark.drill
def test_under_load_no_score_is_wrong_nothing_unproven_answers_and_nothing_acknowledged_is_lost(
    tmp_path: Path, drill_count: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    seconds = drill_count(12, 600)
    digests = {seed: put_model(tmp_path, seed=seed) for seed in (1, 2, UNPROVEN)}
    make_live(tmp_path, digests[1], version=1)
    with serving(tmp_path, "--workers", "2") as server:
        with Load(server.port, BODIES).running() as capacity:
            time.sleep(2)
        trouble = Trouble(tmp_path, server, random.Random(20130601), digests, [(0.0, 1)])
        rate = SHARE_OF_CAPACITY * len(capacity.answers) / 2
        with Load(server.port, BODIES, per_second=rate).running() as load:
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                trouble.make()
                time.sleep(trouble.rng.uniform(0.5, 2.5) if seconds < 60 else trouble.rng.uniform(1, 5))
        trouble.promote()
        code, said = server.end()
    assert (code, "Traceback" in said) == (0, False), said
    check(load, trouble)
    check_log(tmp_path, [*capacity.answers, *load.answers])
    figures = f"{len(load.answers):,} answers at {rate:.0f}/s, {load.lost} lost with their worker; {dict(trouble.made)}"
    record_property("figures", figures)
    sys.stdout.write(f"{figures}\n")


def check(load: Load, trouble: Trouble) -> None:
    own = {seed: expected_scores(ROWS, seed=seed) for seed in (1, 2)}
    wrong = [one for one in load.answers if one.score != own[seed_of(one.version)][one.row]]
    assert wrong == []
    assert load.refused == []
    assert load.answers
    until = [*(moment for moment, _ in trouble.live[1:]), float("inf")]
    spans = [
        (version, since, ended + SWAP_SECONDS) for (since, version), ended in zip(trouble.live, until, strict=True)
    ]
    early = [
        one
        for one in load.answers
        if not any(version == one.version and since <= one.received <= end for version, since, end in spans)
    ]
    assert early == []
    assert load.lost <= 4 * trouble.made["kill"]


def check_log(home: Path, answers: list[Answer]) -> None:
    traffic = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home))
    logged = {one.id: one for one in traffic.predictions}
    assert len(logged) == len(traffic.predictions)
    kept = {name: (one.version, one.score) for name, one in logged.items()}
    assert [one for one in answers if kept.get(one.identity) != (one.version, one.score)] == []
    assert len({one.identity for one in answers}) == len(answers)
