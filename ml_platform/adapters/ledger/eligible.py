"""Eligible: whether a version may serve at all, live or as a challenger; each refusal says what to do."""

from __future__ import annotations

from sqlite3 import Connection

from ml_platform.adapters.ledger.reading import read
from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import Rejection
from ml_platform.core.records import ReleaseRecord


def check_eligible(connection: Connection, release: ReleaseRecord, environment: str) -> None:
    """Refuse a version that isn't registered with exactly this evidence, is barred, or rejected; raises DataInvalid."""
    row = connection.execute(
        "SELECT content FROM releases WHERE model = ? AND version = ?", (release.model, release.version)
    ).fetchone()
    if row is None or read(row[0], ReleaseRecord) != release:
        message = f"{release.model} v{release.version} isn't registered with this evidence. Run its release job."
        raise DataInvalid(message)
    barred = connection.execute(
        "SELECT reason FROM barred WHERE model = ? AND version = ?", (release.model, release.version)
    ).fetchone()
    if barred is not None:
        message = f"{release.model} v{release.version} was barred: {barred[0]}. Release a new version instead."
        raise DataInvalid(message)
    against = connection.execute(
        "SELECT content FROM standing_rejections WHERE model = ? AND version = ? AND environment = ? ORDER BY audit",
        (release.model, release.version, environment),
    ).fetchone()
    if against is not None:
        said = read(against[0], Rejection)
        message = f"{release.model} v{release.version} was rejected for {environment} by {said.rejected_by}"
        raise DataInvalid(f"{message}: {said.reason}. Ask for its withdrawal, or release a new version instead.")


def check_unused(connection: Connection, approval_id: str, release: ReleaseRecord, environment: str) -> None:
    """Refuse an approval that isn't for exactly this, or was used already; raises DataInvalid."""
    bound = connection.execute(
        "SELECT u.approval_id FROM approvals a LEFT JOIN used_approvals u USING (approval_id) "
        "WHERE a.approval_id = ? AND a.model = ? AND a.version = ? AND a.environment = ?",
        (approval_id, release.model, release.version, environment),
    ).fetchone()
    if bound is None or bound[0] is not None:
        seen = "isn't one for it" if bound is None else "was used already"
        message = (
            f"{release.model}@{environment}: approval {approval_id} {seen}; each works once. Ask for a new approval."
        )
        raise DataInvalid(message)
