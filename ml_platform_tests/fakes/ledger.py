"""`FakeLedger`: the Ledger port in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from ml_platform.adapters.ledger.chain import model_of, next_entry
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.hold import Hold
from ml_platform.core.ports import Approval, AuditEntry, Rejection, Withdrawal
from ml_platform.core.records import DeploymentRecord, Evidence, EvidencePart, ReleaseRecord

Place = tuple[str, str]


class FakeLedger:
    """Keeps the rules of the port; nothing survives the object."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.parts: list[tuple[str, EvidencePart]] = []
        self.versions: dict[str, list[ReleaseRecord]] = {}
        self.deployments: list[DeploymentRecord] = []
        self.bars: dict[str, dict[int, str]] = {}
        self.given: dict[str, Approval] = {}
        self.against: dict[str, Rejection] = {}
        self.holds: dict[Place, Hold] = {}
        self.tokens = 0
        self.pending: list[DeploymentRecord] = []

    def record_part(self, model: str, part: EvidencePart) -> None:
        self.parts.append((model, part))
        self.append("verdicts_recorded", actor="", subject=f"{model}/{part.stage}", payload={}, at=part.made_at)

    def part(self, model: str, stage: str, subject_digest: str, policy_digest: str) -> EvidencePart | None:
        wanted = (model, stage, subject_digest, policy_digest)
        found = [p for m, p in self.parts if (m, p.stage, p.subject_digest, p.policy_digest) == wanted]
        return found[-1] if found else None

    def latest_part(self, model: str, stage: str) -> EvidencePart | None:
        found = [part for its_model, part in self.parts if (its_model, part.stage) == (model, stage)]
        return found[-1] if found else None

    def record_release(
        self, evidence: Evidence, evidence_digest: str, *, actor: str, at: dt.datetime, bundle_digest: str = ""
    ) -> ReleaseRecord:
        versions = self.versions.setdefault(evidence.candidate.model, [])
        for known in versions:
            if known.evidence_digest == evidence_digest:
                return known
        release = ReleaseRecord(
            model=evidence.candidate.model,
            version=len(versions) + 1,
            candidate=evidence.candidate,
            evidence_digest=evidence_digest,
            policy_digest=evidence.policy_digest,
            released_at=at,
            released_by=actor,
            bundle_digest=bundle_digest,
        )
        versions.append(release)
        self.append("released", actor=actor, subject=f"{release.model} v{release.version}", payload={}, at=at)
        return release

    def release(self, model: str, version: int) -> ReleaseRecord | None:
        return next((each for each in self.releases(model) if each.version == version), None)

    def releases(self, model: str) -> Sequence[ReleaseRecord]:
        return tuple(self.versions.get(model, ()))

    def live(self, model: str, environment: str) -> DeploymentRecord | None:
        history = self.history(model, environment)
        return history[-1] if history else None

    def history(self, model: str, environment: str) -> Sequence[DeploymentRecord]:
        return tuple(each for each in self.deployments if (each.model, each.environment) == (model, environment))

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
        at: dt.datetime,
    ) -> DeploymentRecord:
        live = self.live(release.model, environment)
        if self.release(release.model, release.version) != release:
            raise DataInvalid("not registered")
        if release.version in self.barred(release.model):
            raise DataInvalid("barred")
        if self._stands(release.model, release.version, environment):
            raise DataInvalid("rejected")
        if bar is not None and (live is None or live.version != bar):
            raise DataInvalid("not what is live")
        self._check_held((release.model, environment), hold, at)
        if live is not None and live.version == release.version:
            return live
        for approval_id in approvals:
            known = self.given.get(approval_id)
            bound = (release.model, release.version, environment)
            if (
                known is None
                or known.used_at
                or known.rejected_at
                or (known.model, known.version, known.environment) != bound
            ):
                raise DataInvalid("approval unknown or used")
        for approval_id in approvals:
            self.given[approval_id] = replace(self.given[approval_id], used_at=at)
        deployment = DeploymentRecord(
            model=release.model,
            environment=environment,
            version=release.version,
            model_digest=release.candidate.model_digest,
            evidence_digest=release.evidence_digest,
            since=at,
            actor=actor,
            reason=reason,
            signature="of the fake",
        )
        self.deployments.append(deployment)
        self.pending.append(deployment)
        subject = f"{release.model}@{environment}"
        self.append("deployed", actor=actor, subject=subject, payload={"version": release.version}, at=at)
        if bar is not None:
            self.bars.setdefault(release.model, {})[bar] = reason
            self.append("barred", actor=actor, subject=f"{release.model} v{bar}", payload={}, at=at)
        return deployment

    def take(self, wanted: Hold, *, now: dt.datetime, void: int | None = None) -> tuple[Hold, bool]:
        place = (wanted.model, wanted.environment)
        current = self.holds.get(place)
        if current is not None and current.token != void and not current.yields_to(wanted, now):
            return current, False
        self.tokens += 1
        self.holds[place] = replace(wanted, token=self.tokens)
        if current is not None:
            payload = {"by": f"{wanted.kind} of {wanted.owner}", "from": f"{current.kind} of {current.owner}"}
            subject = f"{wanted.model}@{wanted.environment}"
            self.append("deployment_taken_over", actor=wanted.owner.actor, subject=subject, payload=payload, at=now)
        return self.holds[place], True

    def give_back(self, hold: Hold) -> None:
        place = (hold.model, hold.environment)
        if self.holds.get(place) == hold:
            del self.holds[place]

    def barred(self, model: str) -> Mapping[int, str]:
        return dict(self.bars.get(model, {}))

    def approve(self, approval: Approval) -> None:
        if approval.approval_id in self.given or self.release(approval.model, approval.version) is None:
            raise DataInvalid("approval refused")
        if self._stands(approval.model, approval.version, approval.environment):
            raise DataInvalid("rejected")
        self.given[approval.approval_id] = replace(approval, used_at=None, rejected_at=None)
        subject = f"{approval.model}@{approval.environment}"
        self.append("approved", actor=approval.approver, subject=subject, payload={}, at=approval.given_at)

    def approvals(self, model: str, version: int, environment: str) -> Sequence[Approval]:
        bound = (model, version, environment)
        return tuple(each for each in self.given.values() if (each.model, each.version, each.environment) == bound)

    def reject(self, rejection: Rejection) -> None:
        if rejection.rejection_id in self.against or self.release(rejection.model, rejection.version) is None:
            raise DataInvalid("rejection refused")
        self.against[rejection.rejection_id] = replace(rejection, withdrawal=None)
        bound = (rejection.model, rejection.version, rejection.environment)
        for each in self.approvals(*bound):
            self.given[each.approval_id] = replace(each, rejected_at=each.rejected_at or rejection.given_at)
        subject = f"{rejection.model}@{rejection.environment}"
        self.append("rejected", actor=rejection.rejected_by, subject=subject, payload={}, at=rejection.given_at)

    def withdraw(self, withdrawal: Withdrawal) -> None:
        known = self.against.get(withdrawal.rejection_id)
        bound = (withdrawal.model, withdrawal.version, withdrawal.environment)
        if known is None or known.withdrawal or (known.model, known.version, known.environment) != bound:
            raise DataInvalid("withdrawal refused")
        self.against[withdrawal.rejection_id] = replace(known, withdrawal=withdrawal)
        actor, subject = withdrawal.withdrawn_by, f"{withdrawal.model}@{withdrawal.environment}"
        self.append("rejection_withdrawn", actor=actor, subject=subject, payload={}, at=withdrawal.given_at)

    def rejections(self, model: str, version: int, environment: str) -> Sequence[Rejection]:
        bound = (model, version, environment)
        return tuple(each for each in self.against.values() if (each.model, each.version, each.environment) == bound)

    def _check_held(self, place: Place, hold: Hold | None, at: dt.datetime) -> None:
        current = self.holds.get(place)
        lost = hold is not None and hold != current
        if lost or (hold is None and current is not None and current.holds(at)):
            raise DataInvalid("this deployment was taken over" if lost else "held by another")

    def _stands(self, model: str, version: int, environment: str) -> bool:
        return any(each.withdrawal is None for each in self.rejections(model, version, environment))

    def append(
        self, action: str, *, actor: str, subject: str, payload: Mapping[str, object], at: dt.datetime
    ) -> AuditEntry:
        newest = (self.entries[-1].sequence, self.entries[-1].hash) if self.entries else None
        entry = next_entry(newest, action, actor=actor, subject=subject, payload=payload, at=at)
        self.entries.append(entry)
        return entry

    def audit(self, *, model: str | None = None) -> Iterator[AuditEntry]:
        return (entry for entry in list(self.entries) if model in {None, model_of(entry.subject)})

    def after(self, sequence: int, actions: Collection[str]) -> Iterator[AuditEntry]:
        return iter([each for each in self.entries if each.action in actions and each.sequence > sequence])

    def last(self, action: str, *, subject: str) -> AuditEntry | None:
        found = [entry for entry in self.entries if (entry.action, entry.subject) == (action, subject)]
        return found[-1] if found else None

    def all_of(self, action: str, *, subject: str) -> Sequence[AuditEntry]:
        return [entry for entry in self.entries if (entry.action, entry.subject) == (action, subject)]

    def problems(self) -> Sequence[str]:
        return ()

    def project(self, outbox: Callable[[DeploymentRecord], None]) -> int:
        failed: list[Unavailable] = []
        done = 0
        for deployment in tuple(self.pending):
            try:
                outbox(deployment)
            except Unavailable as error:
                failed.append(error)
                continue
            self.pending.remove(deployment)
            done += 1
        if failed:
            raise failed[0]
        return done
