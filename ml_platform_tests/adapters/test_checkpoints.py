"""Signed checkpoints: a chain that somebody rewrote, with every file beside it, doesn't hold them any more."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from ml_platform.adapters.ledger import SqliteLedger, verify_audit, vouching
from ml_platform.adapters.ledger.chain import next_entry
from ml_platform.adapters.ledger.checkpoints import EVERY, Checkpoints, FileTarget, Target, UrlTarget, target_of
from ml_platform.adapters.ledger.head import Head, write_head
from ml_platform.core.digest import canonical_json
from ml_platform.core.dsse import seal, write_envelope
from ml_platform.core.errors import Unavailable
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.rollout import RolloutEnd, RolloutRecord
from ml_platform_tests.fakes.signing import FakeSigning
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy

LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vouching, "PATIENCE_SECONDS", (0.0,))


@pytest.fixture(params=["file", "url"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    if request.param == "file":
        return target_of(tmp_path, str(tmp_path / "outside" / "points"))
    return target_of(tmp_path, f"memory://{uuid4().hex}/points/")


@pytest.fixture
def checkpoints(target: Target) -> Checkpoints:
    return Checkpoints(target, FakeSigning())


def ledger_in(folder: Path, checkpoints: Checkpoints | None) -> SqliteLedger:
    return SqliteLedger(folder / "ledger.sqlite", clock=lambda: LATER, checkpoints=checkpoints)


@pytest.fixture
def ledger(tmp_path: Path, checkpoints: Checkpoints) -> Iterator[SqliteLedger]:
    opened = ledger_in(tmp_path, checkpoints)
    yield opened
    opened.close()


def append(ledger: SqliteLedger, count: int = 1) -> None:
    for _ in range(count):
        ledger.append("looked", actor="bob", subject=MODEL, payload={}, at=NOW)


def deploy(ledger: SqliteLedger, folder: Path, name: str = "trees") -> ReleaseRecord:
    release = World(ledger, FakeStore(folder), policy()).release(name)
    ledger.deploy(release, "staging", actor="bob", reason="a test", approvals=(), at=NOW)
    return release


def newest(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT max(sequence) FROM audit").fetchone()[0])


def rewrite(path: Path, actor: str) -> None:
    """Rewrite the last entry with the right hash, and the head with it: as if somebody else had done it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        before = connection.execute("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 2").fetchall()[1]
        row = connection.execute("SELECT action, subject, payload FROM audit ORDER BY sequence DESC LIMIT 1").fetchone()
        forged = next_entry(before, row[0], actor=actor, subject=row[1], payload=json.loads(row[2]), at=NOW)
        connection.execute(
            "UPDATE audit SET actor = ?, at = ?, hash = ? WHERE sequence = ?",
            (actor, forged.at.isoformat(), forged.hash, forged.sequence),
        )
    write_head(path, Head(forged.sequence, forged.hash))


def test_each_deployment_is_signed_outside_of_the_database(
    ledger: SqliteLedger, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    append(ledger)
    assert checkpoints.read().checkpoints == ()
    deploy(ledger, tmp_path)
    (kept,) = checkpoints.read().checkpoints
    assert (kept.sequence, kept.at) == (newest(ledger.path), LATER)
    append(ledger)
    assert len(checkpoints.read().checkpoints) == 1
    assert verify_audit(ledger.path, checkpoints) == list(ledger.problems()) == []


def try_beside(ledger: SqliteLedger, folder: Path) -> RolloutRecord:
    """Let a second version be tried beside the first."""
    champion, challenger = deploy(ledger, folder), World(ledger, FakeStore(folder), policy()).release("others")
    return ledger.begin_rollout(
        RolloutRecord(
            rollout_id="r1", model=MODEL, environment="staging", strategy="shadow", weight=0.0,
            champion=champion.version, champion_digest=champion.candidate.model_digest, version=challenger.version,
            model_digest=challenger.candidate.model_digest, evidence_digest=challenger.evidence_digest,
            rules_digest="d" * 64, since=NOW, actor="bob", reason="a test",
        ),
        approvals=(),
    )  # fmt: skip


def stop(ledger: SqliteLedger, rollout: RolloutRecord) -> None:
    ended = RolloutEnd(rollout_id=rollout.rollout_id, outcome="stopped", at=LATER, actor="bob", reason="worse")
    ledger.end_rollout(ended)


def test_a_rollouts_begin_and_end_are_signed_as_they_use_words_up_and_bar(
    ledger: SqliteLedger, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    begun = try_beside(ledger, tmp_path)
    assert checkpoints.read().newest == newest(ledger.path)
    ledger.close()
    older = tmp_path / "older"
    shutil.copytree(tmp_path, older, ignore=shutil.ignore_patterns("older"))
    stop(ledger, begun)
    assert checkpoints.read().newest == newest(ledger.path)
    assert verify_audit(ledger.path, checkpoints) == []
    assert "cut off, or it is another copy" in verify_audit(older / "ledger.sqlite", checkpoints)[0]


def test_whoever_was_killed_after_a_rollouts_end_is_made_up_for(tmp_path: Path) -> None:
    checkpoints = Checkpoints(target_of(tmp_path, ""), FakeSigning())
    first = ledger_in(tmp_path, checkpoints)
    begun = try_beside(first, tmp_path)
    first.close()
    killed = ledger_in(tmp_path, None)
    stop(killed, begun)
    killed.close()
    assert verify_audit(killed.path, checkpoints) == []
    next_one = ledger_in(tmp_path, checkpoints)
    append(next_one)
    next_one.close()
    assert checkpoints.read().newest == newest(killed.path) - 1


def test_every_so_many_entries_are_signed(
    ledger: SqliteLedger, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vouching, "EVERY", 5)
    append(ledger, 12)
    assert [each.sequence for each in checkpoints.read().checkpoints] == [5, 10]
    assert verify_audit(ledger.path, checkpoints) == []
    assert EVERY == 1000


def test_a_rewritten_history_is_found_by_what_lies_elsewhere(
    ledger: SqliteLedger, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    deploy(ledger, tmp_path)
    ledger.close()
    rewrite(ledger.path, "nobody")
    assert verify_audit(ledger.path) == []
    (problem,) = verify_audit(ledger.path, checkpoints)
    assert f"saw entry {newest(ledger.path)}, which isn't in the chain: it was rewritten" in problem
    assert problem in ledger_in(tmp_path, checkpoints).problems()


def test_a_cut_off_end_and_an_older_copy_are_found(
    ledger: SqliteLedger, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    append(ledger)
    ledger.close()
    older = tmp_path / "older"
    shutil.copytree(tmp_path, older, ignore=shutil.ignore_patterns("older"))
    deploy(ledger, tmp_path)
    ledger.close()
    assert "cut off, or it is another copy" in verify_audit(older / "ledger.sqlite", checkpoints)[0]


def test_what_others_signed_or_altered_is_no_checkpoint(
    ledger: SqliteLedger, checkpoints: Checkpoints, target: Target, tmp_path: Path
) -> None:
    deploy(ledger, tmp_path)
    Checkpoints(target, FakeSigning("mallory")).add(Head(1, "0" * 64), NOW)
    target.add("nonsense", "nonsense")
    for payload_type, said in (("text/plain", {"sequence": 1, "hash": "0" * 64, "at": NOW}), ("text/plain", {})):
        line = write_envelope(seal(FakeSigning(), payload_type, canonical_json(said).encode()))
        target.add(f"other-{len(line)}", line)
    problems = "\n".join(verify_audit(ledger.path, checkpoints))
    assert len(problems.splitlines()) == 4
    for words in (
        "isn't one of the platform's keys",
        "isn't a signed envelope",
        "it is another text",
        "isn't a checkpoint",
    ):
        assert words in problems


def test_removed_checkpoints_are_missed_and_not_made_anew_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoints = Checkpoints(target_of(tmp_path, ""), FakeSigning())
    ledger = ledger_in(tmp_path, checkpoints)
    for name in ("one", "two"):
        deploy(ledger, tmp_path, name)
    ledger.close()
    (tmp_path / "audit.checkpoints").unlink()
    again = ledger_in(tmp_path, checkpoints)
    append(again)
    (problem,) = again.problems()
    assert "holds no checkpoint of the entries since" in problem
    assert "ml-platform audit checkpoint" in problem
    again.checkpoint()
    assert list(again.problems()) == []
    again.close()


def test_whoever_was_killed_before_the_checkpoint_is_made_up_for(tmp_path: Path) -> None:
    checkpoints = Checkpoints(target_of(tmp_path, ""), FakeSigning())
    killed = ledger_in(tmp_path, None)
    deploy(killed, tmp_path)
    killed.close()
    assert verify_audit(killed.path, checkpoints) == []
    next_one = ledger_in(tmp_path, checkpoints)
    append(next_one)
    next_one.close()
    assert checkpoints.read().newest == newest(killed.path) - 1
    assert verify_audit(killed.path, checkpoints) == []


def test_what_can_not_be_kept_undoes_nothing_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checkpoints = Checkpoints(target_of(tmp_path, str(tmp_path / "file" / "points")), FakeSigning())
    ledger = ledger_in(tmp_path, checkpoints)
    deploy(ledger, tmp_path)
    assert ledger.live(MODEL, "staging") is not None
    with pytest.raises(Unavailable, match="point ML_PLATFORM_CHECKPOINTS somewhere else"):
        ledger.problems()
    with pytest.raises(Unavailable, match="can't be kept or read"):
        ledger.checkpoint()
    ledger.close()


def test_an_address_that_nothing_opens_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nosuch://"):
        Checkpoints(target_of(tmp_path, "nosuch://points"), FakeSigning()).read()


def test_a_long_history_without_checkpoints_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vouching, "EVERY", 3)
    before = ledger_in(tmp_path, None)
    append(before, 6)
    before.close()
    checkpoints = Checkpoints(target_of(tmp_path, ""), FakeSigning())
    ledger = ledger_in(tmp_path, checkpoints)
    assert "since 1: it was removed" in ledger.problems()[0]
    append(ledger)
    assert checkpoints.read().newest == 0
    ledger.close()


def test_an_empty_ledger_needs_no_checkpoint(ledger: SqliteLedger, checkpoints: Checkpoints) -> None:
    assert ledger.live(MODEL, "staging") is None
    ledger.checkpoint()
    assert list(ledger.problems()) == []
    assert checkpoints.read().newest == 0


def test_a_line_that_a_power_cut_tore_off_is_overwritten(tmp_path: Path) -> None:
    target = FileTarget(tmp_path / "points")
    target.add("", "first")
    with target.path.open("a") as file:
        file.write("torn")
    assert [line for _, line in target.lines()] == ["first"]
    target.add("", "second")
    assert [line for _, line in target.lines()] == ["first", "second"]
    target.path.write_text("torn")
    target.add("", "x")
    assert [line for _, line in target.lines()] == ["x"]


def test_a_path_or_a_url_says_where(tmp_path: Path) -> None:
    assert target_of(tmp_path, "") == FileTarget(tmp_path / "audit.checkpoints")
    assert target_of(tmp_path, "/elsewhere/points") == FileTarget(Path("/elsewhere/points"))
    assert target_of(tmp_path, "s3://bucket/points/") == UrlTarget("s3://bucket/points")
