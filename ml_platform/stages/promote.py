"""The promotion lock: a version goes live only when its own evidence, read again, proves every required gate."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import NamedTuple

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.hold import Hold
from ml_platform.core.ports import ArtefactStore, Ledger
from ml_platform.core.records import DeploymentRecord, Evidence, ReleaseRecord
from ml_platform.core.signing import Verifier
from ml_platform.policy.freezes import frozen
from ml_platform.policy.resolve import Policy
from ml_platform.stages.approve import choose_approvals
from ml_platform.stages.attested import bundle_objections
from ml_platform.stages.evidence import read_evidence
from ml_platform.stages.examine import examine_evidence, examine_part
from ml_platform.stages.interface_breaks import break_objections
from ml_platform.stages.objection import Objection, Refused, refused
from ml_platform.stages.reject import standing_rejections
from ml_platform.stages.versions import artefact_objections, chain_objections, check_environment, registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What is live now; `unchanged` when it was live already and its evidence, read again, still holds."""

    deployment: DeploymentRecord
    unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    policy: Policy
    store: ArtefactStore
    ledger: Ledger
    verifier: Verifier
    release: ReleaseRecord
    environment: str
    now: dt.datetime
    conditions: frozenset[str]
    live: DeploymentRecord | None
    despite_freeze: str

    @property
    def is_live(self) -> bool:
        """Say whether it is live there already."""
        return self.live is not None and self.live.version == self.release.version

    @property
    def replaced(self) -> str | None:
        """Return the digest of the model in production that callers use now, when this would be another one."""
        differs = self.live is not None and self.live.model_digest != self.release.candidate.model_digest
        return self.live.model_digest if self.live and differs and self.environment == "production" else None


def promote(
    policy: Policy,
    *,
    store: ArtefactStore,
    ledger: Ledger,
    verifier: Verifier,
    model: str,
    version: int,
    environment: str,
    actor: str,
    reason: str,
    now: dt.datetime,
    conditions: frozenset[str],
    despite_freeze: str = "",
    hold: Hold | None = None,
) -> Promoted | Refused:
    """Make a version live, or refuse with every reason; both are written to the audit.

    `conditions` are those that the model file says hold (`conditions_of(spec)`); the ledger says whether there is a
    champion. No gate that needs one of them may have been judged as if it didn't hold. `verifier` knows the keys
    that may sign. A version that is live already
    is examined like any other, but for its approvals, which are used up; refused, it stays live. `despite_freeze` is
    why it goes live in a freeze all the same; it is audited before the pointer moves. `hold` is the caller's on this
    place (`stages.hold`); without one it is refused while somebody else has one. Show the change to the outside with
    `adapters.deployments.project` afterwards. Raises DataInvalid for an unknown version or environment,
    Unavailable when the ledger can't be used.
    """
    check_environment(environment)
    release = registered(ledger, model, version)
    live = ledger.live(model, environment)
    request = _Request(
        policy=policy,
        store=store,
        ledger=ledger,
        verifier=verifier,
        release=release,
        environment=environment,
        now=now,
        conditions=conditions | _champion(release, live, environment),
        live=live,
        despite_freeze=despite_freeze.strip(),
    )
    objections, approvals = _examine(request)
    if live is not None and request.is_live:
        if not objections and live.signature:
            return Promoted(deployment=live, unchanged=True)
        objections = _although_live(objections, live)
    if not objections:
        _say_overridden(request, actor)
        _say_breaking(request, actor)
        try:
            deployment = ledger.deploy(
                release, environment, actor=actor, reason=reason, approvals=approvals, hold=hold, at=now
            )
        except DataInvalid as error:  # it was barred, its approval used or its hold lost since we looked
            objections = [Objection(str(error))]
        else:
            return Promoted(deployment=deployment, unchanged=deployment == live)
    return refuse(ledger, (model, environment), objections, Attempt(version, actor, reason, now))


class Attempt(NamedTuple):
    """What was tried: which version, by whom, why and when."""

    version: int
    actor: str
    reason: str
    at: dt.datetime


def refuse(ledger: Ledger, place: tuple[str, str], objections: list[Objection], tried: Attempt) -> Refused:
    """Refuse a promotion to a model's environment, and write that to the audit."""
    refusal = refused(objections)
    ledger.append(
        "promotion_refused",
        actor=tried.actor,
        subject="@".join(place),
        at=tried.at,
        payload={
            "version": tried.version,
            "outcome": refusal.outcome,
            "reasons": list(refusal.reasons),
            "reason": tried.reason,
        },
    )
    return refusal


def _although_live(objections: list[Objection], live: DeploymentRecord) -> list[Objection]:
    """Say with every objection that the version is live all the same: nothing was taken down."""
    head = f"{live.model} v{live.version} is live in {live.environment}, but would be refused today"
    return [replace(each, reason=f"{head}: {each.reason}; roll back or release again") for each in objections]


def _freeze_objections(request: _Request) -> list[Objection]:
    """Object to a promotion in a freeze; what is live already doesn't move, and a reason given opens it."""
    if request.is_live or request.despite_freeze:
        return []
    return [
        Objection(
            f"{request.environment} is frozen ({held.freeze.name}) until {held.until:%Y-%m-%d %H:%M} UTC, "
            f"by {held.freeze.owner}: {held.freeze.reason.rstrip('.')}. Wait, or give a reason with --despite-freeze"
        )
        for held in frozen(request.policy.freezes, request.environment, request.now)
    ]


def _say_overridden(request: _Request, actor: str) -> None:
    held = frozen(request.policy.freezes, request.environment, request.now)
    if held:
        request.ledger.append(
            "freeze_overridden",
            actor=actor,
            subject=f"{request.release.model}@{request.environment}",
            at=request.now,
            payload={
                "version": request.release.version,
                "reason": request.despite_freeze,
                "freezes": {each.freeze.name: each.freeze.owner for each in held},
                "until": max(each.until for each in held),
            },
        )


def _say_breaking(request: _Request, actor: str) -> None:
    """Write a declared breaking change to the audit, before callers meet it."""
    declared, model_digest = request.policy.breaking, request.release.candidate.model_digest
    if declared is None or request.replaced is None:
        return
    if break_objections(request.store, model_digest, request.replaced, None):
        request.ledger.append(
            "interface_broken",
            actor=actor,
            subject=f"{request.release.model}@{request.environment}",
            at=request.now,
            payload={"version": request.release.version, **declared.model_dump(mode="json")},
        )


def _champion(release: ReleaseRecord, live: DeploymentRecord | None, environment: str) -> frozenset[str]:
    """Production's live model is the champion: whoever follows it has to have been compared with a champion."""
    differs = live is not None and live.model_digest != release.candidate.model_digest
    return frozenset({"champion"}) if differs and environment == "production" else frozenset()


def _examine(request: _Request) -> tuple[list[Objection], tuple[str, ...]]:
    release = request.release
    objections = chain_objections(request.ledger)
    if (why := request.ledger.barred(release.model).get(release.version)) is not None:
        objections.append(Objection(f"{release.model} v{release.version} was barred: {why}. Release a new version"))
    objections += _freeze_objections(request)
    if request.replaced is not None:
        candidate_digest, declared = release.candidate.model_digest, request.policy.breaking
        objections += break_objections(request.store, candidate_digest, request.replaced, declared)
    objections += artefact_objections(request.store, release)
    try:
        evidence = read_evidence(request.store, release.evidence_digest)
    except (DataInvalid, Unavailable) as error:
        return [*objections, Objection(f"the evidence of {release.model} v{release.version}: {error}")], ()
    objections += bundle_objections(request.store, request.verifier, release, evidence)
    objections += standing_rejections(
        request.policy,
        ledger=request.ledger,
        verifier=request.verifier,
        release=release,
        environment=request.environment,
        now=request.now,
        trained_by=evidence.trained_by,
    )
    objections += _evidence_objections(request, evidence)
    if request.is_live:
        return objections, ()
    chosen = choose_approvals(
        request.policy,
        ledger=request.ledger,
        verifier=request.verifier,
        release=release,
        evidence=evidence,
        environment=request.environment,
        now=request.now,
    )
    if isinstance(chosen, Objection):
        return [*objections, chosen], ()
    return objections, chosen


def _evidence_objections(request: _Request, evidence: Evidence) -> list[Objection]:
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
