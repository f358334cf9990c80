"""Forging in the ledger, by somebody who can write the database and what lies beside it, but holds no key."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ml_platform.adapters.deployments import write_manifest
from ml_platform.adapters.ed25519 import make_person_key
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.ledger.chain import COLUMNS, row_hash
from ml_platform.adapters.ledger.head import Head, write_head
from ml_platform.adapters.ledger.rows import insert, written
from ml_platform.adapters.ledger.schema import APPEND_ONLY, GENESIS
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.cli.models import utc_now
from ml_platform.core.digest import canonical_json, digest_of
from ml_platform.core.ports import Approval
from ml_platform.core.records import DeploymentRecord, Evidence
from ml_platform.core.signed_word import sign_word
from ml_platform.core.verdict import Outcome
from ml_platform.policy.load import load_model
from ml_platform.stages.attest import write_bundle
from ml_platform.stages.evidence import read_evidence, write_evidence
from ml_platform.stages.statements import Making
from ml_platform_tests.access.people import PASSWORD
from ml_platform_tests.flow.forged_home import Forged
from ml_platform_tests.flow.project import MODEL

PRODUCTION = (MODEL, "production")


@contextlib.contextmanager
def database(at: Forged, *, triggers: bool = True) -> Iterator[sqlite3.Connection]:
    """Open the ledger as any program can; what is changed is committed."""
    with contextlib.closing(sqlite3.connect(at.ledger, timeout=30)) as connection, connection:
        if not triggers:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {name}")
        yield connection


@contextlib.contextmanager
def ledger_without_keys(at: Forged) -> Iterator[SqliteLedger]:
    """Open the ledger with the platform's own code, chain and head included, by who has no key to sign with."""
    with contextlib.closing(SqliteLedger(at.ledger, clock=utc_now)) as ledger:
        yield ledger


def chained_anew(connection: sqlite3.Connection) -> Head:
    """Recompute every hash of the chain; return its head."""
    last, sequence = GENESIS, 0
    for row in connection.execute(f"SELECT {COLUMNS} FROM audit ORDER BY sequence").fetchall():  # noqa: S608 (names of tables)
        sequence, before = row[0], last
        last = row_hash((*row[:6], before, ""))
        connection.execute("UPDATE audit SET previous = ?, hash = ? WHERE sequence = ?", (before, last, sequence))
    return Head(sequence, last)


def deployed(connection: sqlite3.Connection, model: str, environment: str) -> list[DeploymentRecord]:
    query = "SELECT content FROM deployments WHERE model = ? AND environment = ? ORDER BY audit"
    rows = connection.execute(query, (model, environment)).fetchall()
    return [msgspec.json.decode(content, type=DeploymentRecord) for (content,) in rows]


def put_live(at: Forged, deployment: DeploymentRecord) -> None:
    """Append a deployment as the platform would: entry, row, pointer, head and manifest all fit together."""
    place = (deployment.model, deployment.environment)
    row = dict(zip(("model", "environment"), place, strict=True))
    row |= {"version": deployment.version, "content": written(deployment)}  # type: ignore[dict-item]
    with database(at) as connection:
        entry = insert(
            connection, "deployments", row, actor=deployment.actor, subject="@".join(place), at=utc_now(),
            facts={"version": deployment.version, "model_digest": deployment.model_digest},
        )  # fmt: skip
        connection.execute(
            "UPDATE live SET deployment = ? WHERE model = ? AND environment = ?", (entry.sequence, *place)
        )
    write_head(at.ledger, Head(entry.sequence, entry.hash))
    show(at, deployment)


def show(at: Forged, deployment: DeploymentRecord) -> None:
    with at.platform() as platform:
        write_manifest(at.home, platform.store, deployment)


def of_second(at: Forged, deployment: DeploymentRecord) -> DeploymentRecord:
    """Return the deployment, with version 2 in the place of what it deployed."""
    second = at.release(2)
    return dataclasses.replace(
        deployment, version=2, model_digest=second.candidate.model_digest, evidence_digest=second.evidence_digest
    )


def plain_sql(at: Forged) -> None:
    for table in APPEND_ONLY:
        key = "sequence" if table == "audit" else "audit"
        for statement in (f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}"):  # noqa: S608 (names of tables)
            with database(at) as connection:
                if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:  # noqa: S608 (names of tables)
                    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                        connection.execute(statement)
    for statement in ("UPDATE live SET deployment = 1", "DELETE FROM live"):
        with database(at) as connection, pytest.raises(sqlite3.IntegrityError, match="live pointer"):
            connection.execute(statement)


def edited_deployment(at: Forged) -> None:
    with database(at, triggers=False) as connection:
        other = of_second(at, deployed(connection, *PRODUCTION)[-1])
        connection.execute(
            "UPDATE deployments SET version = 2, content = ? WHERE environment = 'production'", (written(other),)
        )
    show(at, other)


def moved_pointer(at: Forged) -> None:
    with database(at, triggers=False) as connection:
        (staged,) = connection.execute("SELECT deployment FROM live WHERE environment = 'staging'").fetchone()
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("UPDATE live SET deployment = ? WHERE environment = 'production'", (staged,))
        other = of_second(at, deployed(connection, *PRODUCTION)[-1])
    show(at, other)


def pointer_moved_back(at: Forged) -> None:
    with database(at, triggers=False) as connection:
        former = deployed(connection, MODEL, "staging")[0]
        connection.execute(
            "UPDATE live SET deployment = (SELECT min(audit) FROM deployments) WHERE environment = 'staging'"
        )
    show(at, former)


def unsigned_deployment(at: Forged) -> None:
    with ledger_without_keys(at) as ledger:
        made = ledger.deploy(
            at.release(2), "production", actor="rita", reason="it looks good", approvals=(), at=utc_now()
        )
    show(at, made)


def edited_and_chained_anew(at: Forged) -> None:
    """Let a deployment that was signed name version 2, and recompute the whole chain, head included."""
    edited_deployment(at)
    with database(at) as connection:
        for row in connection.execute("SELECT audit, model, environment, version, content FROM deployments").fetchall():
            sequence, *values = row
            names = ("model", "environment", "version", "content")
            _say_row(connection, sequence, dict(zip(names, values, strict=True)))
        head = chained_anew(connection)
    write_head(at.ledger, head)


def relabelled_deployment(at: Forged) -> None:
    with database(at) as connection:
        staged = deployed(connection, MODEL, "staging")[-1]
    put_live(at, dataclasses.replace(staged, environment="production"))


def repeated_deployment(at: Forged) -> None:
    with database(at) as connection:
        first = deployed(connection, MODEL, "staging")[0]
    put_live(at, first)


def forged_evidence(at: Forged) -> Evidence:
    """Return the evidence of version 2 in which every verdict passes."""
    with at.platform() as platform:
        evidence = read_evidence(platform.store, at.release(2).evidence_digest)
    parts = tuple(
        dataclasses.replace(
            part, verdicts=tuple(dataclasses.replace(one, outcome=Outcome.PASSED) for one in part.verdicts)
        )
        for part in evidence.parts
    )
    return dataclasses.replace(evidence, parts=parts)


def release_without_signature(at: Forged) -> None:
    evidence = forged_evidence(at)
    with at.platform() as platform, ledger_without_keys(at) as ledger:
        digest = write_evidence(platform.store, evidence)
        bundle = at.release(2).bundle_digest
        made = ledger.record_release(evidence, digest, actor="tess", at=utc_now(), bundle_digest=bundle)
    assert made.version == 3


def release_of_another_home(at: Forged) -> None:
    evidence, keys = forged_evidence(at), FileSigningKeys(at.project.folder / "another-home")
    making = Making(released_by="tess", run_id="run", platform="0.1.0", training={})
    policy = load_model(at.model_file, now=utc_now()).policy
    with at.platform() as platform, ledger_without_keys(at) as ledger:
        bundle = write_bundle(platform.store, keys, evidence=evidence, policy=policy, making=making)
        digest = write_evidence(platform.store, evidence)
        ledger.record_release(evidence, digest, actor="tess", at=utc_now(), bundle_digest=bundle)


def approval_of_first(at: Forged) -> Approval:
    with at.platform() as platform:
        (given,) = platform.ledger.approvals(MODEL, 1, "production")
    return dataclasses.replace(given, used_at=None)


def approval_for_second(at: Forged) -> Approval:
    """Return a word of flo's that flo never said."""
    release, now = at.release(2), utc_now()
    return Approval(
        approval_id=uuid.uuid4().hex, model=MODEL, version=2, environment="production",
        evidence_digest=release.evidence_digest, policy_digest=release.policy_digest, approver="flo", given_at=now,
        expires_at=now + dt.timedelta(days=7),
    )  # fmt: skip


def _approve(at: Forged, approval: Approval) -> None:
    with ledger_without_keys(at) as ledger:
        ledger.approve(approval)


def invented_approval(at: Forged) -> None:
    _approve(at, approval_for_second(at))


def copied_approval(at: Forged) -> None:
    given, said = approval_of_first(at), approval_for_second(at)
    _approve(at, dataclasses.replace(said, key_id=given.key_id, signature=given.signature))


def approval_with_a_key_of_ones_own(at: Forged) -> None:
    key = make_person_key(_fresh(at.project.folder / "mine.pem"), PASSWORD)
    _approve(at, sign_word(approval_for_second(at), key))


def used_approval_again(at: Forged) -> None:
    given, second = approval_of_first(at), at.release(2)
    with database(at, triggers=False) as connection:
        connection.execute("DELETE FROM approval_uses")
        again = dataclasses.replace(given, version=2, evidence_digest=second.evidence_digest)
        connection.execute("UPDATE approvals SET version = 2, content = ?", (written(again),))


def cut_off(at: Forged) -> None:
    """Cut the history off before version 1 went to production, and recompute the head."""
    with database(at, triggers=False) as connection:
        (first,) = connection.execute("SELECT min(audit) FROM deployments WHERE environment = 'production'").fetchone()
        connection.execute("DELETE FROM live WHERE environment = 'production'")
        for table in reversed(APPEND_ONLY):
            key = "sequence" if table == "audit" else "audit"
            connection.execute(f"DELETE FROM {table} WHERE {key} >= ?", (first,))  # noqa: S608 (names of tables)
        connection.execute("UPDATE live SET deployment = (SELECT max(audit) FROM deployments)")
        head = chained_anew(connection)
    write_head(at.ledger, head)


def rewritten(at: Forged) -> None:
    """Let the audit say that somebody else promoted version 1, and recompute every hash and the head."""
    with database(at, triggers=False) as connection:
        connection.execute("UPDATE audit SET actor = 'tom' WHERE action = 'approved'")
        head = chained_anew(connection)
    write_head(at.ledger, head)


def _say_row(connection: sqlite3.Connection, sequence: int, row: dict[str, object]) -> None:
    """Let an entry say what its row has become."""
    (payload,) = connection.execute("SELECT payload FROM audit WHERE sequence = ?", (sequence,)).fetchone()
    said = {**msgspec.json.decode(payload), "row": digest_of(row)}
    connection.execute("UPDATE audit SET payload = ? WHERE sequence = ?", (canonical_json(said), sequence))


def _fresh(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path
