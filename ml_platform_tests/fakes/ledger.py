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
from ml_platform.core.rollout import Ending, Rollout, RolloutEnd, RolloutRecord, sign_rollout
from ml_platform.core.signing import Signer

Place = tuple[str, str]


class FakeLedger:
    """Keeps the rules of the port; nothing survives the object. Rollouts are signed if there is a `signer`."""

    def __init__(self, signer: Signer | None = None) -> None:
        self.signer = signer
        self.entries: list[AuditEntry] = []
        self.parts: list[tuple[str, EvidencePart]] = []
        self.versions: dict[str, list[ReleaseRecord]] = {}
        self.deployments: list[DeploymentRecord] = []
        self.bars: dict[str, dict[int, str]] = {}
        self.given: dict[str, Approval] = {}
        self.against: dict[str, Rejection] = {}
        self.holds: dict[Place, Hold] = {}
        self.tokens = 0
        self.tried: list[Rollout] = []
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
        rollout: str = "",
        at: dt.datetime,
    ) -> DeploymentRecord:
        live = self.live(release.model, environment)
        self._check_eligible(release, environment)
        if bar is not None and (live is None or live.version != bar):
            raise DataInvalid("not what is live")
        self._check_held((release.model, environment), hold, at)
        if live is not None and live.version == release.version:
            return live
        found = self.rollout(release.model, environment)
        if rollout and (found is None or found.rollout_id != rollout):
            raise DataInvalid("the rollout doesn't run")
        self._use(approvals, release, environment, at)
        ended = RolloutEnd(rollout_id=rollout, outcome="cancelled", at=at, actor=actor, reason=reason)
        if found is not None:
            outcome: Ending = "promoted" if rollout else "cancelled"
            self._end(replace(ended, rollout_id=found.rollout_id, outcome=outcome))
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
            self._end_of(release.model, bar, None, ended)
        return deployment

    def begin_rollout(
        self, rollout: RolloutRecord, *, approvals: Sequence[str], hold: Hold | None = None
    ) -> RolloutRecord:
        place = (rollout.model, rollout.environment)
        live, release = self.live(*place), self.release(rollout.model, rollout.version)
        if release is None or release.evidence_digest != rollout.evidence_digest:
            raise DataInvalid("not registered")
        self._check_eligible(release, rollout.environment)
        self._check_held(place, hold, rollout.since)
        if not rollout.is_beside(live) or rollout.version == rollout.champion:
            raise DataInvalid("not beside what is live")
        if self.rollout(*place) is not None:
            raise DataInvalid("tried there already")
        self._use(approvals, release, rollout.environment, rollout.since)
        begun = sign_rollout(rollout, self.signer) if self.signer else replace(rollout, signature="of the fake")
        self.tried.append(Rollout(begun=begun))
        facts = {"version": rollout.version, "champion": rollout.champion}
        self.append("rollout_begun", actor=rollout.actor, subject="@".join(place), payload=facts, at=rollout.since)
        return begun

    def end_rollout(self, ended: RolloutEnd) -> None:
        self._end(ended)

    def _end(self, ended: RolloutEnd) -> None:
        for index, each in enumerate(self.tried):
            if each.end is None and each.begun.rollout_id == ended.rollout_id:
                self.tried[index] = replace(each, end=ended)
                begun = each.begun
                facts = {"version": begun.version, "outcome": ended.outcome, "reason": ended.reason}
                subject = f"{begun.model}@{begun.environment}"
                self.append("rollout_ended", actor=ended.actor, subject=subject, payload=facts, at=ended.at)
                if ended.outcome == "stopped":
                    self.bars.setdefault(begun.model, {}).setdefault(begun.version, ended.reason)
                    self._end_of(begun.model, begun.version, None, ended)
                return
        raise DataInvalid("the rollout doesn't run")

    def _end_of(self, model: str, version: int, environment: str | None, ended: RolloutEnd) -> None:
        for each in self.running_rollouts():
            if (each.model, each.version) == (model, version) and environment in {None, each.environment}:
                self._end(replace(ended, rollout_id=each.rollout_id, outcome="cancelled"))

    def rollout(self, model: str, environment: str) -> RolloutRecord | None:
        running = self.running_rollouts()
        return next((each for each in running if (each.model, each.environment) == (model, environment)), None)

    def rollouts(self, model: str, environment: str) -> Sequence[Rollout]:
        return tuple(each for each in self.tried if (each.begun.model, each.begun.environment) == (model, environment))

    def running_rollouts(self) -> Sequence[RolloutRecord]:
        return tuple(each.begun for each in self.tried if each.end is None)

    def _check_eligible(self, release: ReleaseRecord, environment: str) -> None:
        if self.release(release.model, release.version) != release:
            raise DataInvalid("not registered")
        if release.version in self.barred(release.model):
            raise DataInvalid("barred")
        if self._stands(release.model, release.version, environment):
            raise DataInvalid("rejected")

    def _use(self, approvals: Sequence[str], release: ReleaseRecord, environment: str, at: dt.datetime) -> None:
        bound = (release.model, release.version, environment)
        for approval_id in approvals:
            known = self.given.get(approval_id)
            if (
                known is None
                or known.used_at
                or known.rejected_at
                or (known.model, known.version, known.environment) != bound
            ):
                raise DataInvalid("approval unknown or used")
        for approval_id in approvals:
            self.given[approval_id] = replace(self.given[approval_id], used_at=at)

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
        at, actor, reason = rejection.given_at, rejection.rejected_by, rejection.reason
        ended = RolloutEnd(rollout_id="", outcome="cancelled", at=at, actor=actor, reason=reason)
        self._end_of(rejection.model, rejection.version, rejection.environment, ended)

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
