"""The ledger's file: history can't be changed, tampering is found, failures are said in words."""

# ruff: noqa: S608  (the statements are made of this file's own words)

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ml_platform.adapters.ledger import SqliteLedger, schema, verify_audit
from ml_platform.adapters.ledger.head import Head, head_path, read_head, write_head
from ml_platform.adapters.ledger.schema import APPEND_ONLY
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.rollout import RolloutEnd, RolloutRecord
from ml_platform.stages.reject import Said, reject, withdraw
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy

LOOKED: dict[str, Any] = {"actor": "bob", "subject": MODEL, "payload": {}, "at": NOW}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    opened = SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: NOW, busy_seconds=0.2)
    yield opened
    opened.close()


@pytest.fixture
def full(ledger: SqliteLedger, tmp_path: Path) -> SqliteLedger:
    """Return a ledger with a row in every table."""
    world = World(ledger, FakeStore(tmp_path), policy())
    first, second = world.release("one"), world.release("two")
    approval = world.approval(first, "carol")
    deploy(ledger, first, "production", approvals=(approval.approval_id,))
    deploy(ledger, first)
    deploy(ledger, second)
    deploy(ledger, first, bar=2)
    third = world.release("three")
    begun = ledger.begin_rollout(rollout(first, third), approvals=(world.approval(third, "dora").approval_id,))
    ledger.end_rollout(
        RolloutEnd(rollout_id=begun.rollout_id, outcome="cancelled", at=NOW, actor="bob", reason="a test")
    )
    ledger.project(lambda _: None)
    said = Said(model=MODEL, version=1, environment="production", person="dora", reason="no", now=NOW)
    reject(world.policy, ledger, said)
    withdraw(world.policy, ledger, said, trained_by="")
    assert verify_audit(ledger.path) == []
    return ledger


def rollout(champion: ReleaseRecord, challenger: ReleaseRecord) -> RolloutRecord:
    return RolloutRecord(
        rollout_id="r1", model=MODEL, environment="production", strategy="canary", weight=0.1,
        champion=champion.version, champion_digest=champion.candidate.model_digest, version=challenger.version,
        model_digest=challenger.candidate.model_digest, evidence_digest=challenger.evidence_digest,
        rules_digest="77" * 32, since=NOW, actor="bob", reason="a test",
    )  # fmt: skip


def deploy(
    ledger: SqliteLedger,
    release: ReleaseRecord,
    environment: str = "staging",
    *,
    bar: int | None = None,
    approvals: tuple[str, ...] = (),
) -> None:
    ledger.deploy(release, environment, actor="bob", reason="a test", approvals=approvals, bar=bar, at=NOW)


def test_the_file_is_synced_strict_and_has_every_guard(full: SqliteLedger) -> None:
    with closing(sqlite3.connect(full.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        tables = {row[1]: row[5] for row in connection.execute("PRAGMA table_list") if row[0] == "main"}
        assert all(tables[name] == 1 for name in (*APPEND_ONLY, "live", "schema"))
        assert all(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in APPEND_ONLY)
    with full._connections.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


@pytest.mark.parametrize("table", [*APPEND_ONLY, "live"])
def test_history_can_not_be_changed(full: SqliteLedger, table: str) -> None:
    column = "sequence" if table == "audit" else "deployment" if table == "live" else "audit"
    with closing(sqlite3.connect(full.path)) as connection:
        for change in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
            with pytest.raises(sqlite3.IntegrityError, match=r"append-only|live pointer"):
                connection.execute(change)


def test_the_database_itself_holds_one_live_version_per_environment(full: SqliteLedger) -> None:
    with closing(sqlite3.connect(full.path)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        newest = connection.execute("SELECT deployment FROM live WHERE environment = 'production'").fetchone()[0]
        for statement in (
            f"INSERT INTO live VALUES ('flights', 'staging', {newest})",
            f"INSERT INTO live VALUES ('flights', 'shadow', {newest})",
            f"UPDATE live SET deployment = {newest} WHERE environment = 'staging'",
            "INSERT INTO deployments SELECT 999, model, environment, 2, content FROM deployments LIMIT 1",
            "INSERT INTO approval_uses SELECT 998, approval_id, deployment FROM approval_uses",
            "INSERT INTO audit SELECT 999, at, actor, action, subject, model, payload, previous, hash FROM audit",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(statement)


def unguarded(path: Path, *statements: str) -> None:
    """Change the file as somebody would who removes the guards first."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE sequence = 3", "audit entry 3 .* was edited"),
        ("UPDATE audit SET payload = '{}' WHERE sequence = 3", "audit entry 3 .* was edited"),
        ("UPDATE audit SET model = 'other' WHERE sequence = 3", "audit entry 3 .* was edited"),
        ("UPDATE audit SET payload = 'no json' WHERE sequence = 3", "audit entry 3 can't be read"),
        ("UPDATE audit SET at = 'yesterday' WHERE sequence = 3", "audit entry 3 can't be read"),
        ("DELETE FROM audit WHERE sequence = 3", "audit entries 3 to 3 are missing"),
        ("DELETE FROM audit WHERE sequence = 1", "audit entries 1 to 1 are missing"),
        ("DELETE FROM audit WHERE sequence > 20", "its end was cut off"),
        (
            "UPDATE parts SET content = replace(content, 'passed', 'waived') WHERE audit = 2",
            "the row of parts for audit entry 2",
        ),
        ("DELETE FROM parts WHERE audit = 2", "the row of parts for audit entry 2 is missing"),
        ("UPDATE releases SET evidence_digest = 'x' WHERE version = 1", "the row of releases"),
        (
            "UPDATE deployments SET version = 2 WHERE audit = (SELECT max(audit) FROM deployments)",
            "the row of deployments",
        ),
        ("DELETE FROM rejections", "the row of rejections .* is missing"),
        ("DROP TABLE withdrawals", "the row of withdrawals .* is missing"),
        ("UPDATE withdrawals SET content = replace(content, 'dora', 'emil')", "the row of withdrawals"),
        ("DELETE FROM rollout_ends", "the row of rollout_ends .* is missing"),
        ("UPDATE rollouts SET content = replace(content, '0.1', '0.9')", "the row of rollouts"),
        ("DROP TABLE rollout_approvals", "the row of rollout_approvals .* is missing"),
        ("DELETE FROM barred", "the row of barred .* is missing"),
        ("DELETE FROM approval_uses", "the row of approval_uses .* is missing"),
        ("DELETE FROM live WHERE environment = 'production'", "flights@production: the live pointer"),
        (
            (
                "UPDATE live SET deployment = (SELECT min(audit) FROM deployments WHERE environment = 'staging') "
                "WHERE environment = 'staging'"
            ),
            "flights@staging: the live pointer",
        ),
    ],
)
def test_tampering_is_found(full: SqliteLedger, statement: str, problem: str) -> None:
    full.close()
    unguarded(full.path, "PRAGMA foreign_keys = OFF", statement)
    found = "\n".join(verify_audit(full.path))
    assert "\n".join(full.problems()) == found
    assert re.search(problem, found), found


def test_two_entries_that_changed_places_are_found(full: SqliteLedger) -> None:
    full.close()
    unguarded(
        full.path,
        "PRAGMA foreign_keys = OFF",
        "UPDATE audit SET sequence = -1 WHERE sequence = 4",
        "UPDATE audit SET sequence = 4 WHERE sequence = 5",
        "UPDATE audit SET sequence = 5 WHERE sequence = -1",
    )
    assert "audit entry 4 doesn't follow the entry before it" in verify_audit(full.path)


def test_an_older_copy_put_in_place_is_found(ledger: SqliteLedger, tmp_path: Path) -> None:
    ledger.append("looked", **LOOKED)
    ledger.close()
    shutil.copy(ledger.path, tmp_path / "copy")
    ledger.append("looked", **LOOKED)
    ledger.close()
    shutil.copy(tmp_path / "copy", ledger.path)
    assert "its end was cut off or it is another copy" in "".join(verify_audit(ledger.path))


def test_a_missing_or_spoiled_head_is_found(full: SqliteLedger) -> None:
    head = head_path(full.path)
    head.write_text("000000000001 what\n")
    assert "not the head of an audit chain" in "".join(verify_audit(full.path))
    head.unlink()
    assert "audit.head is missing" in "".join(verify_audit(full.path))


def test_the_head_may_lag_behind(full: SqliteLedger) -> None:
    entry = next(iter(full.audit()))
    write_head(full.path, Head(entry.sequence, entry.hash))
    assert verify_audit(full.path) == []
    assert read_head(full.path) == Head(entry.sequence, entry.hash)


def test_a_lost_ledger_is_not_silently_begun_anew(full: SqliteLedger) -> None:
    full.close()
    for file in full.path.parent.glob("ledger.sqlite*"):
        file.unlink()
    with pytest.raises(Unavailable, match=r"missing or empty, but audit.head says .* Restore"):
        SqliteLedger(full.path, clock=lambda: NOW).live(MODEL, "staging")
    with pytest.raises(Unavailable):
        verify_audit(full.path)


def test_a_file_that_vanishes_while_open_is_not_written_into_the_void(full: SqliteLedger) -> None:
    full.path.unlink()
    with pytest.raises(Unavailable, match="removed or replaced"):
        full.append("looked", **LOOKED)


def test_a_locked_ledger_says_so(full: SqliteLedger) -> None:
    with closing(sqlite3.connect(full.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert full.live(MODEL, "staging") is not None
        with pytest.raises(Unavailable, match=r"ledger.sqlite: database is locked. Another process"):
            full.append("looked", **LOOKED)
    full.append("looked", **LOOKED)


def test_a_read_only_ledger_says_so(full: SqliteLedger) -> None:
    with full._connections.reading() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(Unavailable, match="has to be writable"):
        full.append("looked", **LOOKED)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_says_so(full: SqliteLedger) -> None:
    full.close()
    full.path.chmod(0o400)
    full.path.parent.chmod(0o500)
    try:
        with pytest.raises(Unavailable):
            full.append("looked", **LOOKED)
    finally:
        full.path.parent.chmod(0o700)


def test_a_full_disk_says_so_and_leaves_no_trace(full: SqliteLedger) -> None:
    before = list(full.audit())
    with full._connections.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(Unavailable, match="free space"):
        full.append("looked", actor="bob", subject=MODEL, payload={"long": "x" * 100_000}, at=NOW)
    assert list(full.audit()) == before


def test_a_folder_that_can_not_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="ML_PLATFORM_HOME"):
        SqliteLedger(tmp_path / "file" / "ledger.sqlite", clock=lambda: NOW).releases(MODEL)


def test_a_path_that_is_a_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="unable to open"):
        SqliteLedger(tmp_path, clock=lambda: NOW).releases(MODEL)


def test_what_is_no_ledger_says_so(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database at all, whatever its name says" * 100)
    with pytest.raises(Unavailable, match="restore it from a backup"):
        SqliteLedger(path, clock=lambda: NOW).releases(MODEL)
    with pytest.raises(Unavailable):
        verify_audit(path)


def test_a_newer_ledger_is_not_touched(full: SqliteLedger) -> None:
    full.close()
    unguarded(full.path, "UPDATE schema SET version = 99")
    with pytest.raises(Unavailable, match="schema version 99, known: 1 to 3"):
        full.releases(MODEL)


@pytest.mark.parametrize("version", [1, 2])
def test_a_ledger_of_an_earlier_version_is_whole_and_is_added_to_when_it_is_used(
    full: SqliteLedger, tmp_path: Path, version: int
) -> None:
    older = tmp_path / "older" / "ledger.sqlite"
    older.parent.mkdir()
    with closing(sqlite3.connect(older, isolation_level=None)) as connection:
        for statement in schema._statements(schema.TABLES + schema._guards(schema.FIRST)):
            connection.execute(statement)
        if version > 1:
            for statement in schema._statements(schema.MORE_TABLES + schema._guards(schema.SECOND)):
                connection.execute(statement)
        connection.execute("INSERT INTO schema VALUES (?)", (version,))
    assert verify_audit(older) == []
    used = SqliteLedger(older, clock=lambda: NOW)
    World(used, FakeStore(tmp_path), policy()).release()
    assert used.rejections(MODEL, 1, "production") == ()
    assert used.rollouts(MODEL, "production") == ()
    assert verify_audit(older) == []
    used.close()

    def made(path: Path) -> set[tuple[str, str]]:
        with closing(sqlite3.connect(path)) as connection:
            return set(connection.execute("SELECT name, sql FROM sqlite_master"))

    assert made(older) == made(full.path)


def test_an_unwritable_payload_leaves_no_trace(ledger: SqliteLedger) -> None:
    with pytest.raises(ValueError, match="JSON"):
        ledger.append("looked", actor="bob", subject=MODEL, payload={"x": float("nan")}, at=NOW)
    assert list(ledger.audit()) == []


def test_an_approval_for_no_version_is_refused(ledger: SqliteLedger, tmp_path: Path) -> None:
    world = World(ledger, FakeStore(tmp_path), policy())
    release = world.release()
    with pytest.raises(DataInvalid, match="the ledger refused the change"):
        world.approval(release, "carol", version=7)


def test_threads_share_a_ledger(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: NOW)  # as patient as in use: disks can be slow

    def append() -> None:
        for number in range(5):
            ledger.append("looked", actor="bob", subject=MODEL, payload={"n": number}, at=NOW)

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(ledger.audit())) == 20
    assert verify_audit(ledger.path) == []
    ledger.close()


def test_a_forked_child_leaves_its_parents_connection_alone(full: SqliteLedger) -> None:
    fork = multiprocessing.get_context("fork")
    child = fork.Process(target=full.append, args=("looked",), kwargs=LOOKED)
    with warnings.catch_warnings(action="ignore"):  # other threads may live in this test's process
        child.start()
    child.join()
    assert child.exitcode == 0
    full.append("looked", **LOOKED)
    assert len([entry for entry in full.audit() if entry.action == "looked"]) == 2
    assert verify_audit(full.path) == []


APPENDER = """
import datetime as dt, sys
from pathlib import Path
from typing import Any
from ml_platform.adapters.ledger import SqliteLedger
ledger = SqliteLedger(Path(sys.argv[1]), clock=lambda: dt.datetime.now(tz=dt.UTC))
sys.stdin.read(1)
for number in range(25):
    ledger.append("looked", actor=sys.argv[2], subject="flights", payload={"n": number}, at=dt.datetime.now(tz=dt.UTC))
"""


def test_eight_processes_on_a_fresh_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.sqlite"
    command = [sys.executable, "-c", APPENDER, str(path)]
    children = [subprocess.Popen([*command, f"p{n}"], stdin=subprocess.PIPE) for n in range(8)]
    for child in children:
        child.communicate(b"!", timeout=120)
    assert [child.returncode for child in children] == [0] * 8
    with closing(SqliteLedger(path, clock=lambda: dt.datetime.now(tz=dt.UTC))) as ledger:
        entries = list(ledger.audit())
    assert verify_audit(path) == []
    for n in range(8):
        assert [entry.payload["n"] for entry in entries if entry.actor == f"p{n}"] == list(range(25))
