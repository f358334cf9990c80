"""Moving the live pointer: the rules that must hold inside the transaction that moves it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from sqlite3 import Connection

from ml_platform.adapters.ledger import rolling
from ml_platform.adapters.ledger.eligible import check_eligible, check_unused
from ml_platform.adapters.ledger.holding import check_held
from ml_platform.adapters.ledger.reading import read
from ml_platform.adapters.ledger.rows import insert, written
from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform.core.rollout import RolloutEnd
from ml_platform.core.signed_deployment import sign_deployment
from ml_platform.core.signing import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of what is live: `bar` is the version that goes for good, when this is a rollback.

    `rollout` is the one that ends with it, as its challenger goes live.
    """

    release: ReleaseRecord
    environment: str
    actor: str
    reason: str
    approvals: tuple[str, ...]
    bar: int | None
    token: int | None
    rollout: str = ""
    at: dt.datetime

    @property
    def subject(self) -> str:
        """Return what the audit calls it."""
        return f"{self.release.model}@{self.environment}"


def live(connection: Connection, model: str, environment: str) -> DeploymentRecord | None:
    """Return what is live."""
    row = connection.execute(
        "SELECT d.content FROM live l JOIN deployments d ON d.audit = l.deployment "
        "WHERE l.model = ? AND l.environment = ?",
        (model, environment),
    ).fetchone()
    return None if row is None else read(row[0], DeploymentRecord)


def history(connection: Connection, model: str, environment: str) -> list[DeploymentRecord]:
    """Return everything that was ever live there, oldest first."""
    rows = connection.execute(
        "SELECT content FROM deployments WHERE model = ? AND environment = ? ORDER BY audit", (model, environment)
    )
    return [read(content, DeploymentRecord) for (content,) in rows]


def deploy(connection: Connection, move: Move, signer: Signer | None) -> DeploymentRecord:
    """Make the move inside the open transaction; raises DataInvalid when a rule forbids it.

    What is live but isn't signed, as it is from before deployments were, is deployed anew.
    """
    release = move.release
    current = live(connection, release.model, move.environment)
    _check(connection, move, current)
    check_held(connection, (release.model, move.environment), move.token, now=move.at)
    if current is not None and current.version == release.version and (current.signature or signer is None):
        return current
    deployment = DeploymentRecord(
        model=release.model,
        environment=move.environment,
        version=release.version,
        model_digest=release.candidate.model_digest,
        evidence_digest=release.evidence_digest,
        since=_since(move.at, current),
        actor=move.actor,
        reason=move.reason,
    )
    deployment = sign_deployment(deployment, signer) if signer else deployment
    ended = _ended(move)
    rolling.end_at(connection, (release.model, move.environment), move.rollout, ended)
    sequence = _append_deployment(connection, move, deployment, replaced=current.version if current else None)
    for approval_id in move.approvals:
        _use(connection, move, approval_id, sequence)
    if move.bar is not None:
        row = {"model": release.model, "version": move.bar, "reason": move.reason}
        subject = f"{release.model} v{move.bar}"
        insert(connection, "barred", row, actor=move.actor, subject=subject, at=move.at, facts={"reason": move.reason})
        rolling.end_of(connection, release.model, move.bar, None, ended)
    connection.execute(
        "INSERT INTO live (model, environment, deployment) VALUES (?, ?, ?) "
        "ON CONFLICT (model, environment) DO UPDATE SET deployment = excluded.deployment",
        (release.model, move.environment, sequence),
    )
    return deployment


def mark_projected(connection: Connection, sequence: int, deployment: DeploymentRecord, *, at: dt.datetime) -> None:
    """Take a deployment out of the outbox; a second time changes nothing."""
    done = connection.execute("SELECT 1 FROM projected WHERE deployment = ?", (sequence,)).fetchone()
    if done is None:
        subject = f"{deployment.model}@{deployment.environment}"
        insert(
            connection,
            "projected",
            {"deployment": sequence},
            actor="ml_platform",
            subject=subject,
            at=at,
            facts={"deployment": sequence, "version": deployment.version},
        )


def _ended(move: Move) -> RolloutEnd:
    """Return how a rollout ends by this move; which one, and whether as promoted, is said where it is known."""
    reason = move.reason if move.rollout else f"v{move.release.version} went live in {move.environment}: {move.reason}"
    return RolloutEnd(rollout_id=move.rollout, outcome="cancelled", at=move.at, actor=move.actor, reason=reason)


def _since(now: dt.datetime, current: DeploymentRecord | None) -> dt.datetime:
    """Return a time after the last deployment's, also when the clock was set back: older ones are taken as copies."""
    return now if current is None else max(now, current.since + dt.timedelta(microseconds=1))


def _check(connection: Connection, move: Move, current: DeploymentRecord | None) -> None:
    check_eligible(connection, move.release, move.environment)
    if move.bar is not None and (current is None or current.version != move.bar):
        seen = f"v{current.version}" if current else "nothing"
        message = f"{move.subject}: v{move.bar} was to be rolled back, but {seen} is live. Look again, then decide."
        raise DataInvalid(message)


def _append_deployment(
    connection: Connection, move: Move, deployment: DeploymentRecord, *, replaced: int | None
) -> int:
    row = {
        "model": deployment.model,
        "environment": deployment.environment,
        "version": deployment.version,
        "content": written(deployment),
    }
    facts = {
        "version": deployment.version,
        "replaced": replaced,
        "reason": move.reason,
        "approvals": list(move.approvals),
        "evidence_digest": deployment.evidence_digest,
        "model_digest": deployment.model_digest,
    }
    return insert(
        connection, "deployments", row, actor=move.actor, subject=move.subject, at=move.at, facts=facts
    ).sequence


def _use(connection: Connection, move: Move, approval_id: str, deployment: int) -> None:
    check_unused(connection, approval_id, move.release, move.environment)
    row = {"approval_id": approval_id, "deployment": deployment}
    insert(
        connection,
        "approval_uses",
        row,
        actor=move.actor,
        subject=move.subject,
        at=move.at,
        facts={"approval_id": approval_id},
    )
