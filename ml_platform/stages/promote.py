"""The promotion lock: a version goes live only when its own evidence, read again, proves every required gate."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import NamedTuple

from ml_platform.core.errors import DataInvalid
from ml_platform.core.hold import Hold
from ml_platform.core.ports import ArtefactStore, Ledger
from ml_platform.core.records import DeploymentRecord
from ml_platform.core.rollout import RolloutRecord
from ml_platform.core.signing import Verifier
from ml_platform.policy.freezes import frozen
from ml_platform.policy.resolve import Policy
from ml_platform.stages.approve import asked_before
from ml_platform.stages.interface_breaks import break_objections
from ml_platform.stages.lock import Request, champion_holds, examine
from ml_platform.stages.objection import Objection, Refused, refused
from ml_platform.stages.versions import check_environment, registered
from ml_platform.stages.way import DIRECTLY, Directly, Proven, Tried, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What is live now; `unchanged` when it was live already and its evidence, read again, still holds.

    `rollout` is that of the version when it isn't live yet but tried beside what is.
    """

    deployment: DeploymentRecord
    unchanged: bool = False
    rollout: RolloutRecord | None = None


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
    fewer_approvals: str = "",
    way: Way = DIRECTLY,
    hold: Hold | None = None,
) -> Promoted | Refused:
    """Make a version live, or try it beside what is (`way`), or refuse with every reason; all is audited.

    `conditions` are those that the model file says hold (`conditions_of(spec)`); the ledger says whether there is a
    champion. No gate that needs one of them may have been judged as if it didn't hold. `verifier` knows the keys
    that may sign. A version that is live, or tried, already is examined like any other, but for its approvals, which
    are used up; refused, it stays. What has the model that is live needs no trial: it goes live directly.
    `despite_freeze` is why it goes live in a freeze all the same, `fewer_approvals` why with fewer approvals than what
    it replaces had; both are audited before the pointer moves. `hold` is
    the caller's on this place (`stages.hold`); without one it is refused while somebody else has one. Show the change
    to the outside with `adapters.deployments.project` afterwards. Raises DataInvalid for an unknown version or
    environment, Unavailable when the ledger can't be used.
    """
    check_environment(environment)
    release = registered(ledger, model, version)
    live = ledger.live(model, environment)
    request = Request(
        policy=policy,
        store=store,
        ledger=ledger,
        verifier=verifier,
        release=release,
        environment=environment,
        now=now,
        conditions=conditions | champion_holds(release, live, environment),
        live=live,
        rollout=ledger.rollout(model, environment),
        despite_freeze=despite_freeze.strip(),
        way=way,
        fewer_approvals=fewer_approvals.strip(),
    )
    objections, approvals = examine(request)
    if live is not None and request.is_live:
        if not objections and live.signature:
            return Promoted(deployment=live, unchanged=True)
        objections = _although_live(objections, live)
    if live is not None and request.rollout is not None and request.stays and not objections:
        return Promoted(deployment=live, unchanged=True, rollout=request.rollout)
    attempt = Attempt(version, actor, reason, now)
    if not objections:
        _say_overridden(request, actor)
        _say_fewer(request, actor)
        _say_breaking(request, actor)
        _say_untried(request, attempt)
        try:
            return _go(request, attempt, approvals, hold)
        except DataInvalid as error:  # it was barred, its approval used or its hold lost since we looked
            objections = [Objection(str(error))]
    return refuse(ledger, (model, environment), objections, attempt)


class Attempt(NamedTuple):
    """What was tried: which version, by whom, why and when."""

    version: int
    actor: str
    reason: str
    at: dt.datetime


def _go(request: Request, attempt: Attempt, approvals: tuple[str, ...], hold: Hold | None) -> Promoted:
    ledger, release, live, way = request.ledger, request.release, request.live, request.way
    if isinstance(way, Tried) and live is not None and live.model_digest != release.candidate.model_digest:
        begun = ledger.begin_rollout(_planned(request, way, live, attempt), approvals=approvals, hold=hold)
        return Promoted(deployment=live, rollout=begun)
    deployment = ledger.deploy(
        release,
        request.environment,
        actor=attempt.actor,
        reason=attempt.reason,
        approvals=approvals,
        hold=hold,
        rollout=way.rollout_id if isinstance(way, Proven) else "",
        at=attempt.at,
    )
    return Promoted(deployment=deployment, unchanged=deployment == live)


def _planned(request: Request, way: Tried, live: DeploymentRecord, attempt: Attempt) -> RolloutRecord:
    return RolloutRecord(
        rollout_id=way.rollout_id,
        model=live.model,
        environment=live.environment,
        strategy=way.strategy,
        weight=way.weight,
        sticky_by=way.sticky_by,
        champion=live.version,
        champion_digest=live.model_digest,
        version=request.release.version,
        model_digest=request.release.candidate.model_digest,
        evidence_digest=request.release.evidence_digest,
        rules_digest=way.rules_digest,
        since=attempt.at,
        actor=attempt.actor,
        reason=attempt.reason,
    )


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


def _say_overridden(request: Request, actor: str) -> None:
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


def _say_fewer(request: Request, actor: str) -> None:
    """Write to the audit that a version goes live with fewer approvals than what it replaces, and why."""
    if not request.fewer_approvals or request.live is None or request.was_approved:
        return
    before = asked_before(request.policy, request.ledger, request.live)
    if before.since is None:
        return
    request.ledger.append(
        "approvals_lowered",
        actor=actor,
        subject=f"{request.release.model}@{request.environment}",
        at=request.now,
        payload={
            "version": request.release.version,
            "reason": request.fewer_approvals,
            "before": before.count,
            "now": request.asked.count,
            "signed": request.asked.signed,
        },
    )


def _say_untried(request: Request, attempt: Attempt) -> None:
    """Write to the audit that a version goes live directly, though it was to be tried first."""
    if isinstance(request.way, Directly) and request.way.instead and request.live is not None:
        request.ledger.append(
            "rollout_skipped",
            actor=attempt.actor,
            subject=f"{request.release.model}@{request.environment}",
            at=attempt.at,
            payload={"version": attempt.version, "reason": request.way.instead},
        )


def _say_breaking(request: Request, actor: str) -> None:
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
