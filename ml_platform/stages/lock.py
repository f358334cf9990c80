"""What the lock asks of a version, live or tried beside what is: everything that stands against it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.ports import ArtefactStore, Ledger
from ml_platform.core.records import DeploymentRecord, Evidence, ReleaseRecord
from ml_platform.core.rollout import RolloutRecord, why_not_begun
from ml_platform.core.signing import Verifier
from ml_platform.policy.freezes import frozen
from ml_platform.policy.resolve import Policy
from ml_platform.stages.approve import Asked, asked_before, asked_by, choose_approvals
from ml_platform.stages.attested import bundle_objections
from ml_platform.stages.evidence import read_evidence
from ml_platform.stages.examine import examine_evidence, examine_part
from ml_platform.stages.freeze_ends import FROZEN
from ml_platform.stages.incidents import METRIC, incidents
from ml_platform.stages.interface_breaks import break_objections
from ml_platform.stages.objection import Objection
from ml_platform.stages.reject import standing_rejections
from ml_platform.stages.versions import artefact_objections, chain_objections
from ml_platform.stages.way import Directly, Proven, Tried, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the lock is asked: may this version serve there? `rollout` is what is tried there at present."""

    policy: Policy
    store: ArtefactStore
    ledger: Ledger
    verifier: Verifier
    release: ReleaseRecord
    environment: str
    now: dt.datetime
    conditions: frozenset[str]
    live: DeploymentRecord | None
    rollout: RolloutRecord | None
    despite_freeze: str
    way: Way
    fewer_approvals: str = ""

    @property
    def is_live(self) -> bool:
        """Say whether it is live there already."""
        return self.live is not None and self.live.version == self.release.version

    @property
    def is_tried(self) -> bool:
        """Say whether it is tried there already."""
        return self.rollout is not None and self.rollout.version == self.release.version

    @property
    def stays(self) -> bool:
        """Say whether it is already where it is to be: live, or tried."""
        return self.is_live or (self.is_tried and isinstance(self.way, Tried))

    @property
    def was_approved(self) -> bool:
        """Say whether its approvals were used up: when it went live, or when its rollout began."""
        return self.stays or (self.is_tried and isinstance(self.way, Proven))

    @property
    def asked(self) -> Asked:
        """Return the approvals that it needs: no fewer than what is live had, unless a reason was given."""
        if self.live is None or self.fewer_approvals:
            return asked_by(self.policy, self.environment)
        return asked_before(self.policy, self.ledger, self.live)

    @property
    def replaced(self) -> str | None:
        """Return the digest of the model in production that callers use now, when this would be another one."""
        differs = self.live is not None and self.live.model_digest != self.release.candidate.model_digest
        return self.live.model_digest if self.live and differs and self.environment == "production" else None


def _freeze_objections(request: Request) -> list[Objection]:
    """Object to a promotion in a freeze; what is live or tried already doesn't move, and a reason given opens it."""
    if request.stays or request.despite_freeze:
        return []
    return [
        Objection(
            f"{request.environment} {FROZEN} ({held.freeze.name}) until {held.until:%Y-%m-%d %H:%M} UTC, "
            f"by {held.freeze.owner}: {held.freeze.reason.rstrip('.')}. Wait, or give a reason with --despite-freeze"
        )
        for held in frozen(request.policy.freezes, request.environment, request.now)
    ]


def _rollout_objections(request: Request) -> list[Objection]:
    """Object to a second rollout, to one under other rules, and to the end of one that isn't the platform's."""
    running, place = request.rollout, f"{request.release.model}@{request.environment}"
    match request.way:
        case Directly():
            return []
        case Tried(rules_digest=rules) if running is not None and not request.is_live:
            same = request.is_tried and running.rules_digest == rules
            seen = f"v{running.version} is tried already, since {running.since:%Y-%m-%d %H:%M} UTC"
            seen += ", by other rules" if request.is_tried else ""
            end = f"Wait for its end, or end it: ml-platform rollout {request.release.model} --cancel"
            return [] if same else [Objection(f"{place}: {seen}. {end}")]
        case Tried():
            return []
        case Proven(rollout_id=ended):
            if running is None or running.rollout_id != ended or not request.is_tried:
                return [Objection(f"{place}: the rollout {ended} of v{request.release.version} doesn't run (any more)")]
            why = why_not_begun(request.verifier, running)
            return [Objection(f"{place}: the rollout {ended} isn't the platform's: {why}")] if why else []


def _incident_objections(request: Request, evidence: Evidence) -> list[Objection]:
    """Object as long as an incident is open that the evidence doesn't answer: it was opened after it was made.

    What is live or tried already doesn't move: an incident is most often opened on its own answers.
    """
    gates = [name for name, gate in request.policy.gates.items() if gate.metric == METRIC and gate.severity == "block"]
    if request.stays or not gates:
        return []
    release = request.release
    asked = {one.subject for verdict in evidence.verdicts if verdict.gate in gates for one in verdict.measurements}
    return [
        Objection(
            f"{one.name} ({one.reason.rstrip('.')}) was opened on {one.opened_at:%Y-%m-%d %H:%M} UTC, and the "
            f"evidence of v{release.version} doesn't say how it answers it. Run the job {release.model}_release again, "
            f"or close the incident: ml-platform incident close {release.model} {one.name} --reason '…'",
            undecided=True,
        )
        for one in incidents(request.ledger, release.model)
        if one.is_open and one.name not in asked
    ]


def champion_holds(release: ReleaseRecord, live: DeploymentRecord | None, environment: str) -> frozenset[str]:
    """Production's live model is the champion: whoever follows it has to have been compared with a champion."""
    differs = live is not None and live.model_digest != release.candidate.model_digest
    return frozenset({"champion"}) if differs and environment == "production" else frozenset()


def examine(request: Request) -> tuple[list[Objection], tuple[str, ...]]:
    """Return everything that stands against a version, and the approvals that speak for it."""
    release = request.release
    objections = chain_objections(request.ledger)
    if (why := request.ledger.barred(release.model).get(release.version)) is not None:
        barred = Objection(f"{release.model} v{release.version} was barred: {why}. Release a new version")
        return [*objections, barred], ()  # nothing else can help it
    objections += _freeze_objections(request)
    objections += _rollout_objections(request)
    if request.replaced is not None:
        candidate_digest, declared = release.candidate.model_digest, request.policy.breaking
        objections += break_objections(request.store, candidate_digest, request.replaced, declared)
    objections += artefact_objections(request.store, release)
    try:
        evidence = read_evidence(request.store, release.evidence_digest)
    except (DataInvalid, Unavailable) as error:
        return [*objections, Objection(f"the evidence of {release.model} v{release.version}: {error}")], ()
    objections += bundle_objections(request.store, request.verifier, release, evidence)
    rejected = standing_rejections(
        request.policy,
        ledger=request.ledger,
        verifier=request.verifier,
        release=release,
        environment=request.environment,
        now=request.now,
        trained_by=evidence.trained_by,
    )
    objections += rejected
    objections += _evidence_objections(request, evidence)
    objections += _incident_objections(request, evidence)
    if request.was_approved:
        return objections, ()
    chosen = choose_approvals(
        request.policy,
        ledger=request.ledger,
        verifier=request.verifier,
        release=release,
        evidence=evidence,
        environment=request.environment,
        now=request.now,
        asked=request.asked,
    )
    if isinstance(chosen, Objection) and not rejected:
        return [*objections, chosen], ()
    return objections, chosen if isinstance(chosen, tuple) else ()


def _evidence_objections(request: Request, evidence: Evidence) -> list[Objection]:
    release, policy = request.release, request.policy
    candidate = release.candidate
    objections = examine_evidence(policy, evidence, candidate, holds=request.conditions, now=request.now)
    for part in evidence.parts:
        if request.ledger.part(release.model, part.stage, part.subject_digest, part.policy_digest) is None:
            reason = f"the verdicts of {part.stage} were never recorded in the ledger: run the release job"
            objections.append(Objection(reason))
    if request.environment == "production" and policy.gates_of("staging"):
        staged = request.ledger.part(release.model, "staging", candidate.digest, policy.digest)
        objections += examine_part(
            policy, "staging", staged, candidate.digest, holds=request.conditions, now=request.now
        )
    return objections
