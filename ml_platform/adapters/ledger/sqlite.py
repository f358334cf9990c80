"""`SqliteLedger`: the Ledger port on one SQLite file; every change and its audit entry are one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

from ml_platform.adapters.ledger import chain, deploying, holding, rolling, words
from ml_platform.adapters.ledger.checkpoints import Checkpoints
from ml_platform.adapters.ledger.connection import Connections
from ml_platform.adapters.ledger.head import Head, write_head
from ml_platform.adapters.ledger.reading import RecordT, read, read_entry, readable
from ml_platform.adapters.ledger.rows import insert, written
from ml_platform.adapters.ledger.verify import verify_history
from ml_platform.adapters.ledger.vouching import Voucher, state_of
from ml_platform.core.errors import Unavailable
from ml_platform.core.hold import Hold
from ml_platform.core.ports import Approval, AuditEntry, Clock, Rejection, Withdrawal
from ml_platform.core.records import DeploymentRecord, Evidence, EvidencePart, ReleaseRecord
from ml_platform.core.rollout import Rollout, RolloutEnd, RolloutRecord
from ml_platform.core.signing import Signer

PAGE = 1000
PLATFORM = "ml_platform"


class SqliteLedger:
    """Releases, verdicts, approvals, deployments and the audit chain in the SQLite file at `path`.

    Several processes and threads may use the same file. A file that is locked for longer than `busy_seconds`,
    read-only, damaged or gone raises Unavailable; a change that the rules forbid raises DataInvalid. With `checkpoints`
    the head of the chain is signed now and then, outside of the file.
    """

    def __init__(
        self, path: Path, *, clock: Clock, busy_seconds: float = 30.0, checkpoints: Checkpoints | None = None
    ) -> None:
        self.path = path
        self._clock = clock
        self._voucher = Voucher(checkpoints, clock) if checkpoints else None
        self._connections = Connections(path, busy_seconds=busy_seconds)

    def close(self) -> None:
        """Close the file; later use opens it again."""
        self._connections.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._voucher and self._voucher.is_new:
            self._vouch(self._voucher)  # for whoever was killed before it could
        with self._connections.writing() as connection:
            yield connection
            state = state_of(connection)
        if state is not None:
            write_head(self.path, Head(state.sequence, state.hash))
            if self._voucher:
                self._voucher.see(state)

    def _vouch(self, voucher: Voucher) -> None:
        with self._connections.reading() as connection:
            state = state_of(connection)
        if state is not None:
            voucher.see(state)

    def checkpoint(self) -> None:
        """Sign the head of the chain now; raises Unavailable when it can't be."""
        with self._connections.reading() as connection:
            state = state_of(connection)
        if self._voucher and state is not None:
            self._voucher.sign(state)

    def _one(self, query: str, *values: object) -> str | None:
        with self._connections.reading() as connection:
            row = connection.execute(query, values).fetchone()
        return None if row is None else str(row[0])

    def _all(self, query: str, *values: object) -> list[tuple[str, ...]]:
        with self._connections.reading() as connection:
            return connection.execute(query, values).fetchall()

    def _read(self, content: str | None, record_type: type[RecordT]) -> RecordT | None:
        with readable(self.path):
            return None if content is None else read(content, record_type)

    def record_part(self, model: str, part: EvidencePart) -> None:
        """Append the verdicts of one stage over one subject."""
        row = {
            "model": model,
            "stage": part.stage,
            "subject_digest": part.subject_digest,
            "policy_digest": part.policy_digest,
            "content": written(part),
        }
        facts = {
            "subject_digest": part.subject_digest,
            "policy_digest": part.policy_digest,
            "outcomes": {verdict.gate: verdict.outcome for verdict in part.verdicts},
            "run_id": part.run_id,
        }
        with self._writing() as connection:
            subject = f"{model}/{part.stage}"
            insert(connection, "parts", row, actor=PLATFORM, subject=subject, at=self._clock(), facts=facts)

    def part(self, model: str, stage: str, subject_digest: str, policy_digest: str) -> EvidencePart | None:
        """Return the newest verdicts of a stage over exactly this subject under exactly this policy."""
        content = self._one(
            "SELECT content FROM parts WHERE model = ? AND stage = ? AND subject_digest = ? AND policy_digest = ? "
            "ORDER BY audit DESC LIMIT 1",
            model,
            stage,
            subject_digest,
            policy_digest,
        )
        return self._read(content, EvidencePart)

    def latest_part(self, model: str, stage: str) -> EvidencePart | None:
        """Return the newest verdicts of a stage, whatever the subject."""
        content = self._one(
            "SELECT content FROM parts WHERE model = ? AND stage = ? ORDER BY audit DESC LIMIT 1", model, stage
        )
        return self._read(content, EvidencePart)

    def record_release(
        self, evidence: Evidence, evidence_digest: str, *, actor: str, at: dt.datetime, bundle_digest: str = ""
    ) -> ReleaseRecord:
        """Register a candidate as the model's next version; the same evidence again returns the same version."""
        model = evidence.candidate.model
        with self._writing() as connection:
            known = connection.execute(
                "SELECT content FROM releases WHERE model = ? AND evidence_digest = ?", (model, evidence_digest)
            ).fetchone()
            if known is not None:
                return read(known[0], ReleaseRecord)
            newest = connection.execute("SELECT max(version) FROM releases WHERE model = ?", (model,)).fetchone()[0]
            release = ReleaseRecord(
                model=model,
                version=(newest or 0) + 1,
                candidate=evidence.candidate,
                evidence_digest=evidence_digest,
                policy_digest=evidence.policy_digest,
                released_at=at,
                released_by=actor,
                bundle_digest=bundle_digest,
            )
            row = {
                "model": model,
                "version": release.version,
                "evidence_digest": evidence_digest,
                "content": written(release),
            }
            facts = {
                "candidate_digest": evidence.candidate.digest,
                "evidence_digest": evidence_digest,
                "bundle_digest": bundle_digest,
            }
            insert(connection, "releases", row, actor=actor, subject=_named(release), at=at, facts=facts)
        return release

    def release(self, model: str, version: int) -> ReleaseRecord | None:
        """Return a registered version."""
        content = self._one("SELECT content FROM releases WHERE model = ? AND version = ?", model, version)
        return self._read(content, ReleaseRecord)

    def releases(self, model: str) -> Sequence[ReleaseRecord]:
        """Return all versions of a model, oldest first."""
        rows = self._all("SELECT content FROM releases WHERE model = ? ORDER BY version", model)
        with readable(self.path):
            return tuple(read(content, ReleaseRecord) for (content,) in rows)

    def live(self, model: str, environment: str) -> DeploymentRecord | None:
        """Return what is live."""
        with self._connections.reading() as connection:
            return deploying.live(connection, model, environment)

    def history(self, model: str, environment: str) -> Sequence[DeploymentRecord]:
        """Return everything that was ever live there, oldest first."""
        with readable(self.path), self._connections.reading() as connection:
            return tuple(deploying.history(connection, model, environment))

    def deploy(
        self,
        release: ReleaseRecord,
        environment: str,
        *,
        actor: str,
        reason: str,
        approvals: Sequence[str],
        bar: int | None = None,
        hold: Hold | None = None,
        rollout: str = "",
        at: dt.datetime,
    ) -> DeploymentRecord:
        """Move the live pointer, use up the approvals, bar version `bar` and write the audit: one transaction.

        Raises DataInvalid when the version isn't registered with this evidence, is barred or rejected, an approval is
        unknown, void or used, `bar` isn't what is live, or another holds the place. Deploying what is live already
        changes nothing and uses no approval. A rollout that runs there ends: as promoted when it is the `rollout`
        that is named, else as cancelled.
        """
        move = deploying.Move(
            release=release,
            environment=environment,
            actor=actor,
            reason=reason,
            approvals=tuple(approvals),
            bar=bar,
            token=hold.token if hold else None,
            rollout=rollout,
            at=at,
        )
        with self._writing() as connection:
            return deploying.deploy(connection, move, self._signer)

    @property
    def _signer(self) -> Signer | None:
        return self._voucher.checkpoints.signing if self._voucher else None

    def begin_rollout(
        self, rollout: RolloutRecord, *, approvals: Sequence[str], hold: Hold | None = None
    ) -> RolloutRecord:
        """Begin to try a version beside what is live, using up approvals: one transaction.

        Raises DataInvalid when the version may not serve, its champion isn't live, another is tried there, an approval
        is unknown, void or used, or another holds the place.
        """
        place = (rollout.model, rollout.environment)
        with self._writing() as connection:
            holding.check_held(connection, place, hold.token if hold else None, now=rollout.since)
            live = deploying.live(connection, *place)
            return rolling.begin(connection, rollout, live=live, approvals=approvals, signer=self._signer)

    def end_rollout(self, ended: RolloutEnd) -> None:
        """End a rollout that runs without moving the pointer; one that was stopped bars its version."""
        with self._writing() as connection:
            rolling.end(connection, ended)

    def rollout(self, model: str, environment: str) -> RolloutRecord | None:
        """Return the rollout that runs there."""
        with self._connections.reading() as connection:
            return rolling.running(connection, model, environment)

    def rollouts(self, model: str, environment: str) -> Sequence[Rollout]:
        """Return all rollouts there, oldest first, each with its end."""
        with self._connections.reading() as connection:
            return rolling.rollouts(connection, model, environment)

    def running_rollouts(self) -> Sequence[RolloutRecord]:
        """Return every rollout that runs."""
        with self._connections.reading() as connection:
            return rolling.all_running(connection)

    def take(self, wanted: Hold, *, now: dt.datetime, void: int | None = None) -> tuple[Hold, bool]:
        """Return the hold on a place that is in force now, and whether it is the one that was wanted."""
        with self._writing() as connection:
            return holding.take(connection, wanted, now=now, void=void)

    def give_back(self, hold: Hold) -> None:
        """Give a hold back; one that was taken over changes nothing."""
        with self._writing() as connection:
            holding.give_back(connection, hold)

    def barred(self, model: str) -> Mapping[int, str]:
        """Return the barred versions with the reason of each."""
        rows = self._all("SELECT version, reason FROM barred WHERE model = ? ORDER BY audit", model)
        return {int(version): reason for version, reason in rows}

    def approve(self, approval: Approval) -> None:
        """Write an approval down; raises DataInvalid for no such version, a rejected one, or a known id."""
        with self._writing() as connection:
            words.approve(connection, approval)

    def approvals(self, model: str, version: int, environment: str) -> Sequence[Approval]:
        """Return the approvals of a version for an environment, used ones included."""
        with self._connections.reading() as connection:
            return words.approvals(connection, (model, version, environment))

    def reject(self, rejection: Rejection) -> None:
        """Write a rejection down; raises DataInvalid when its version isn't registered or its id was used before."""
        reason = f"rejected by {rejection.rejected_by}: {rejection.reason}"
        with self._writing() as connection:
            words.reject(connection, rejection)
            ended = RolloutEnd(
                rollout_id="", outcome="cancelled", at=rejection.given_at, actor=rejection.rejected_by, reason=reason
            )
            rolling.end_of(connection, rejection.model, rejection.version, rejection.environment, ended)

    def withdraw(self, withdrawal: Withdrawal) -> None:
        """Write a withdrawal down; raises DataInvalid when there is no such rejection or it was withdrawn before."""
        with self._writing() as connection:
            words.withdraw(connection, withdrawal)

    def rejections(self, model: str, version: int, environment: str) -> Sequence[Rejection]:
        """Return the rejections of a version for an environment, oldest first, withdrawn ones included."""
        with self._connections.reading() as connection:
            return words.rejections(connection, (model, version, environment))

    def append(
        self, action: str, *, actor: str, subject: str, payload: Mapping[str, object], at: dt.datetime
    ) -> AuditEntry:
        """Append an entry to the audit chain; `subject` begins with the model's name, if it is about one."""
        with self._writing() as connection:
            return chain.append(connection, action, actor=actor, subject=subject, payload=payload, at=at)

    def audit(self, *, model: str | None = None) -> Iterator[AuditEntry]:
        """Iterate over the audit chain, oldest first."""
        yield from self._entries("(? IS NULL OR model = ?)", (model, model))

    def after(self, sequence: int, actions: Collection[str]) -> Iterator[AuditEntry]:
        """Iterate over the audit's entries of some actions that came after a sequence number, oldest first."""
        yield from self._entries(f"action IN ({', '.join('?' * len(actions))})", tuple(actions), after=sequence)

    def _entries(self, which: str, values: tuple[object, ...], *, after: int = 0) -> Iterator[AuditEntry]:
        while True:
            rows = self._all(
                f"SELECT {chain.COLUMNS} FROM audit WHERE sequence > ? AND {which} ORDER BY sequence LIMIT ?",  # noqa: S608 (constants)
                after,
                *values,
                PAGE,
            )
            for row in rows:
                with readable(self.path):
                    entry = read_entry(row)  # type: ignore[arg-type]
                after = entry.sequence
                yield entry
            if len(rows) < PAGE:
                return

    def last(self, action: str, *, subject: str) -> AuditEntry | None:
        """Return the newest audit entry of an action on a subject, or None."""
        rows = self._all(
            f"SELECT {chain.COLUMNS} FROM audit WHERE action = ? AND subject = ? "  # noqa: S608 (a constant)
            "ORDER BY sequence DESC LIMIT 1",
            action,
            subject,
        )
        with readable(self.path):
            return read_entry(rows[0]) if rows else None  # type: ignore[arg-type]

    def all_of(self, action: str, *, subject: str) -> Sequence[AuditEntry]:
        """Return every audit entry of an action on a subject, oldest first."""
        rows = self._all(
            f"SELECT {chain.COLUMNS} FROM audit WHERE action = ? AND subject = ? ORDER BY sequence",  # noqa: S608 (a constant)
            action,
            subject,
        )
        with readable(self.path):
            return [read_entry(row) for row in rows]  # type: ignore[arg-type]

    def problems(self) -> Sequence[str]:
        """Return every problem of the history; empty when it is whole.

        What is found is looked for once more while nobody may write: another process's entry that was committed
        between reading the chain and reading its head isn't a problem.
        """
        checkpoints = self._voucher.checkpoints if self._voucher else None
        if not verify_history(self.path, checkpoints):
            return ()
        with self._connections.writing():
            return tuple(verify_history(self.path, checkpoints))

    def project(self, outbox: Callable[[DeploymentRecord], None]) -> int:
        """Hand every pending deployment to `outbox`, in order, marking each done; return how many.

        One for which `outbox` raises Unavailable stays pending; the others are still tried, then the first such
        error is raised.
        """
        failed: list[Unavailable] = []
        done = 0
        for sequence, content in self._all("SELECT deployment, content FROM outbox ORDER BY deployment"):
            with readable(self.path):
                deployment = read(content, DeploymentRecord)
            try:
                outbox(deployment)
            except Unavailable as error:
                failed.append(error)
                continue
            with self._writing() as connection:
                deploying.mark_projected(connection, int(sequence), deployment, at=self._clock())
            done += 1
        if failed:
            raise failed[0]
        return done


def _named(release: ReleaseRecord) -> str:
    return f"{release.model} v{release.version}"
