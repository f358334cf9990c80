"""Rolling out, as ledger rows: one rollout per model and environment, beside what is live; it ends once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from sqlite3 import Connection

from ml_platform.adapters.ledger.eligible import check_eligible, check_unused
from ml_platform.adapters.ledger.reading import read
from ml_platform.adapters.ledger.rows import insert, written
from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform.core.rollout import Ending, Rollout, RolloutEnd, RolloutRecord, sign_rollout
from ml_platform.core.signing import Signer

AN_INSTANT = dt.timedelta(microseconds=1)
KNOWN = "SELECT 1 FROM sqlite_master WHERE name = 'rollouts'"


def running(connection: Connection, model: str, environment: str) -> RolloutRecord | None:
    """Return the rollout that runs there; none in a ledger from before there were any."""
    if connection.execute(KNOWN).fetchone() is None:
        return None
    row = connection.execute(
        "SELECT content FROM running_rollouts WHERE model = ? AND environment = ?", (model, environment)
    ).fetchone()
    return None if row is None else read(row[0], RolloutRecord)


def all_running(connection: Connection) -> Sequence[RolloutRecord]:
    """Return every rollout that runs."""
    rows = connection.execute("SELECT content FROM running_rollouts ORDER BY audit")
    return tuple(read(content, RolloutRecord) for (content,) in rows)


def rollouts(connection: Connection, model: str, environment: str) -> Sequence[Rollout]:
    """Return all rollouts there, oldest first, each with its end; none in a ledger from before there were any."""
    if connection.execute(KNOWN).fetchone() is None:
        return ()
    rows = connection.execute(
        "SELECT r.content, e.content FROM rollouts r LEFT JOIN rollout_ends e USING (rollout_id) "
        "WHERE r.model = ? AND r.environment = ? ORDER BY r.audit",
        (model, environment),
    )
    return tuple(
        Rollout(begun=read(begun, RolloutRecord), end=read(end, RolloutEnd) if end else None) for begun, end in rows
    )


def begin(
    connection: Connection,
    rollout: RolloutRecord,
    *,
    live: DeploymentRecord | None,
    approvals: Sequence[str],
    signer: Signer | None,
) -> RolloutRecord:
    """Begin a rollout inside the open transaction, using up its approvals; raises DataInvalid when a rule forbids it.

    Its time is after that of everything that was live or tried there before, also when the clock was set back.
    """
    release = _release(connection, rollout)
    check_eligible(connection, release, rollout.environment)
    _check_place(connection, rollout, live)
    before = rollouts(connection, rollout.model, rollout.environment)
    times = [rollout.since, *(each.begun.since + AN_INSTANT for each in before[-1:])]
    rollout = replace(rollout, since=max(*times, live.since + AN_INSTANT) if live else max(times))
    rollout = sign_rollout(rollout, signer) if signer else rollout
    row = {
        "rollout_id": rollout.rollout_id,
        "model": rollout.model,
        "environment": rollout.environment,
        "version": rollout.version,
        "content": written(rollout),
    }
    named = ("rollout_id", "strategy", "weight", "champion", "version", "model_digest", "evidence_digest", "reason")
    facts = {name: getattr(rollout, name) for name in named} | {"approvals": list(approvals)}
    subject = f"{rollout.model}@{rollout.environment}"
    insert(connection, "rollouts", row, actor=rollout.actor, subject=subject, at=rollout.since, facts=facts)
    for approval_id in approvals:
        check_unused(connection, approval_id, release, rollout.environment)
        use = {"approval_id": approval_id, "rollout_id": rollout.rollout_id}
        insert(
            connection, "rollout_approvals", use, actor=rollout.actor, subject=subject, at=rollout.since,
            facts={"approval_id": approval_id},
        )  # fmt: skip
    return rollout


def end(connection: Connection, ended: RolloutEnd) -> None:
    """End a rollout inside the open transaction; raises DataInvalid when it doesn't run.

    A challenger that was stopped is barred with the reason.
    """
    row = connection.execute(
        "SELECT content FROM running_rollouts WHERE rollout_id = ?", (ended.rollout_id,)
    ).fetchone()
    if row is None:
        message = f"the rollout {ended.rollout_id} doesn't run (any more); see what is live with `ml-platform envs`"
        raise DataInvalid(message)
    rollout = read(row[0], RolloutRecord)
    facts = {
        "rollout_id": ended.rollout_id,
        "version": rollout.version,
        "champion": rollout.champion,
        "outcome": ended.outcome,
        "reason": ended.reason,
    }
    content = {"rollout_id": ended.rollout_id, "outcome": ended.outcome, "content": written(ended)}
    subject = f"{rollout.model}@{rollout.environment}"
    insert(connection, "rollout_ends", content, actor=ended.actor, subject=subject, at=ended.at, facts=facts)
    if ended.outcome == "stopped":
        _bar(connection, rollout.model, rollout.version, ended)
        end_of(connection, rollout.model, rollout.version, None, ended)


def _bar(connection: Connection, model: str, version: int, ended: RolloutEnd) -> None:
    if not connection.execute("SELECT 1 FROM barred WHERE model = ? AND version = ?", (model, version)).fetchone():
        row = {"model": model, "version": version, "reason": ended.reason}
        subject, facts = f"{model} v{version}", {"reason": ended.reason}
        insert(connection, "barred", row, actor=ended.actor, subject=subject, at=ended.at, facts=facts)


def end_at(connection: Connection, place: tuple[str, str], promoted: str, ended: RolloutEnd) -> None:
    """End what runs at a place where another version goes live: as promoted when that is its challenger.

    Raises DataInvalid when the rollout `promoted` is to end with this and doesn't run there.
    """
    found = running(connection, *place)
    if promoted and (found is None or found.rollout_id != promoted):
        message = f"{place[0]}@{place[1]}: the rollout {promoted} doesn't run there any more. Look what is live."
        raise DataInvalid(message)
    if found is not None:
        outcome: Ending = "promoted" if promoted else "cancelled"
        end(connection, replace(ended, rollout_id=found.rollout_id, outcome=outcome))


def end_of(connection: Connection, model: str, version: int, environment: str | None, ended: RolloutEnd) -> None:
    """Take back every rollout of a version that may not serve any more; everywhere without an `environment`."""
    for found in all_running(connection):
        if (found.model, found.version) == (model, version) and environment in {None, found.environment}:
            end(connection, replace(ended, rollout_id=found.rollout_id, outcome="cancelled"))


def _release(connection: Connection, rollout: RolloutRecord) -> ReleaseRecord:
    row = connection.execute(
        "SELECT content FROM releases WHERE model = ? AND version = ?", (rollout.model, rollout.version)
    ).fetchone()
    release = None if row is None else read(row[0], ReleaseRecord)
    seen = None if release is None else (release.candidate.model_digest, release.evidence_digest)
    if release is None or seen != (rollout.model_digest, rollout.evidence_digest):
        message = f"{rollout.model} v{rollout.version} isn't registered with this evidence. Run its release job."
        raise DataInvalid(message)
    return release


def _check_place(connection: Connection, rollout: RolloutRecord, live: DeploymentRecord | None) -> None:
    place = f"{rollout.model}@{rollout.environment}"
    if live is None or not rollout.is_beside(live):
        seen = "nothing" if live is None else f"v{live.version}"
        message = f"{place}: v{rollout.version} was to be tried beside v{rollout.champion}, but {seen} is live."
        raise DataInvalid(f"{message} Look again, then decide.")
    if live.version == rollout.version:
        raise DataInvalid(f"{place}: v{rollout.version} is live; another version is needed to be tried beside it.")
    found = running(connection, rollout.model, rollout.environment)
    if found is not None:
        message = f"{place}: v{found.version} is tried there already, since {found.since:%Y-%m-%d %H:%M} UTC; one at a"
        raise DataInvalid(
            f"{message} time. Wait for its end, or end it: `ml-platform rollout {rollout.model} --cancel`."
        )
