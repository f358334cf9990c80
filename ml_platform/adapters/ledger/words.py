"""Words on a version, for and against: writing them down, and reading what became of each since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from sqlite3 import Connection

from ml_platform.adapters.ledger.reading import read
from ml_platform.adapters.ledger.rows import insert, written
from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import Approval, Rejection, Withdrawal

Place = tuple[str, int, str]


def approve(connection: Connection, approval: Approval) -> None:
    """Write an approval down inside the open transaction; the database refuses one of a rejected version."""
    row = {
        "approval_id": approval.approval_id,
        "model": approval.model,
        "version": approval.version,
        "environment": approval.environment,
        "content": written(replace(approval, used_at=None, rejected_at=None)),
    }
    facts = {
        "approval_id": approval.approval_id,
        "version": approval.version,
        "expires_at": approval.expires_at,
        "evidence_digest": approval.evidence_digest,
        "policy_digest": approval.policy_digest,
        "key_id": approval.key_id,
    }
    subject = f"{approval.model}@{approval.environment}"
    at = approval.given_at
    insert(connection, "approvals", row, actor=approval.approver, subject=subject, at=at, facts=facts)


def approvals(connection: Connection, place: Place) -> tuple[Approval, ...]:
    """Return the approvals of a version for an environment, with when each was used, and void by a rejection."""
    rows = connection.execute(
        "SELECT a.content, used.at, (SELECT min(said.at) FROM rejections r JOIN audit said ON said.sequence = r.audit "
        "WHERE (r.model, r.version, r.environment) = (a.model, a.version, a.environment) AND r.audit > a.audit) "
        "FROM approvals a LEFT JOIN used_approvals u USING (approval_id) "
        "LEFT JOIN audit used ON used.sequence = u.audit "
        "WHERE a.model = ? AND a.version = ? AND a.environment = ? ORDER BY a.audit",
        place,
    )
    return tuple(
        replace(read(content, Approval), used_at=_time(used), rejected_at=_time(rejected))
        for content, used, rejected in rows
    )


def reject(connection: Connection, rejection: Rejection) -> None:
    """Write a rejection down inside the open transaction."""
    row = {
        "rejection_id": rejection.rejection_id,
        "model": rejection.model,
        "version": rejection.version,
        "environment": rejection.environment,
        "content": written(replace(rejection, withdrawal=None)),
    }
    facts = {
        "rejection_id": rejection.rejection_id,
        "version": rejection.version,
        "reason": rejection.reason,
        "evidence_digest": rejection.evidence_digest,
        "policy_digest": rejection.policy_digest,
        "key_id": rejection.key_id,
    }
    subject = f"{rejection.model}@{rejection.environment}"
    at = rejection.given_at
    insert(connection, "rejections", row, actor=rejection.rejected_by, subject=subject, at=at, facts=facts)


def withdraw(connection: Connection, withdrawal: Withdrawal) -> None:
    """Write down that a rejection stands no longer; raises DataInvalid for a rejection of something else."""
    about = (withdrawal.rejection_id, withdrawal.model, withdrawal.version, withdrawal.environment)
    known = connection.execute(
        "SELECT 1 FROM rejections WHERE (rejection_id, model, version, environment) = (?, ?, ?, ?)", about
    ).fetchone()
    if known is None:
        message = (
            f"{withdrawal.model}@{withdrawal.environment}: v{withdrawal.version} has no rejection "
            f"{withdrawal.rejection_id}; one that was written down is needed; see `ml-platform show`"
        )
        raise DataInvalid(message)
    row = {"rejection_id": withdrawal.rejection_id, "content": written(withdrawal)}
    facts = {
        "rejection_id": withdrawal.rejection_id,
        "version": withdrawal.version,
        "reason": withdrawal.reason,
        "key_id": withdrawal.key_id,
    }
    subject = f"{withdrawal.model}@{withdrawal.environment}"
    at = withdrawal.given_at
    insert(connection, "withdrawals", row, actor=withdrawal.withdrawn_by, subject=subject, at=at, facts=facts)


def rejections(connection: Connection, place: Place) -> Sequence[Rejection]:
    """Return the rejections of a version for an environment, oldest first, each with its withdrawal."""
    rows = connection.execute(
        "SELECT r.content, w.content FROM rejections r LEFT JOIN withdrawals w USING (rejection_id) "
        "WHERE r.model = ? AND r.version = ? AND r.environment = ? ORDER BY r.audit",
        place,
    )
    return tuple(
        replace(read(content, Rejection), withdrawal=read(withdrawn, Withdrawal) if withdrawn else None)
        for content, withdrawn in rows
    )


def _time(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
