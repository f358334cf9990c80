"""Approvals: a person's word on one version for one environment, bound to its evidence and policy; works once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import Approval, Ledger
from ml_platform.core.records import DeploymentRecord, Evidence, ReleaseRecord
from ml_platform.core.signed_word import sign_word, why_not_said
from ml_platform.core.signing import Signer, Verifier
from ml_platform.policy.resolve import Policy
from ml_platform.stages.examine import another_policy
from ml_platform.stages.objection import Objection, Refused, refused
from ml_platform.stages.versions import check_environment, registered

VALID_FOR = dt.timedelta(days=7)
REFUSED = "approval_refused"


def approve(
    policy: Policy,
    *,
    ledger: Ledger,
    model: str,
    version: int,
    environment: str,
    approver: str,
    now: dt.datetime,
    valid_for: dt.timedelta = VALID_FOR,
    signer: Signer | None = None,
) -> Approval | Refused:
    """Write an approval down, or say why this person's word would not count; raises DataInvalid for no such version.

    A refusal is written to the audit. `signer` signs with the person's own key; a policy may ask for that. Who trained
    the model is checked when the approval is used: only the evidence knows.
    """
    check_environment(environment)
    release = registered(ledger, model, version)
    objections = []
    if not _name(approver) or valid_for <= dt.timedelta(0):
        raise DataInvalid(f"{model} v{version}: an approval needs a name and a time to be valid for. Give both.")
    if release.policy_digest != policy.digest:
        objections.append(another_policy(release.policy_digest, policy))
    if policy.signed_approvals and signer is None:
        reason = (
            "the policy counts signed approvals only: make a key (`ml-platform keys new-person`), approve with --key"
        )
        objections.append(Objection(reason))
    if _name(approver) == _name(release.released_by):
        objections.append(Objection(f"{approver} released {model} v{version}: somebody else has to approve it"))
    if (why := ledger.barred(model).get(version)) is not None:
        objections.append(Objection(f"{model} v{version} was barred: {why}"))
    objections += [
        Objection(f"{model} v{version} was rejected for {environment} by {each.rejected_by}: {each.reason}")
        for each in ledger.rejections(model, version, environment)
        if each.withdrawal is None
    ]
    if objections:
        refusal = refused(objections)
        ledger.append(
            REFUSED,
            actor=approver.strip(),
            subject=f"{model}@{environment}",
            at=now,
            payload={"version": version, "reasons": list(refusal.reasons)},
        )
        return refusal
    approval = Approval(
        approval_id=uuid.uuid4().hex,
        model=model,
        version=version,
        environment=environment,
        evidence_digest=release.evidence_digest,
        policy_digest=policy.digest,
        approver=approver.strip(),
        given_at=now,
        expires_at=now + valid_for,
    )
    if signer is not None:
        approval = sign_word(approval, signer)
    ledger.approve(approval)
    return approval


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How many approvals, and whether signed; `since` names the live version that sets more than the policy does."""

    count: int
    signed: bool
    since: int | None = None


def choose_approvals(
    policy: Policy,
    *,
    ledger: Ledger,
    verifier: Verifier,
    release: ReleaseRecord,
    evidence: Evidence,
    environment: str,
    now: dt.datetime,
    asked: Asked | None = None,
) -> tuple[str, ...] | Objection:
    """Choose the approvals a promotion uses up, one per person, oldest first; or say what is missing.

    Without `asked` it is what the policy asks for.
    """
    asked = asked or asked_by(policy, environment)
    needed = asked.count
    if needed == 0:
        return ()
    authors = {_name(evidence.trained_by), _name(release.released_by)}
    counted: dict[str, str] = {}
    ignored: list[str] = []
    for approval in ledger.approvals(release.model, release.version, environment):
        why = _not_counted(approval, policy, release, authors, now) or _not_signed(approval, asked, verifier, now)
        if why:
            ignored.append(f"{approval.approver}'s {why}")
        else:
            counted.setdefault(_name(approval.approver), approval.approval_id)
    if len(counted) >= needed:
        return tuple(counted.values())[:needed]
    return Objection(_too_few(asked, tuple(counted), ignored, release, environment))


def asked_by(policy: Policy, environment: str) -> Asked:
    """Return what a policy asks for."""
    return Asked(count=policy.approvals_for(environment), signed=policy.signed_approvals)


def asked_before(policy: Policy, ledger: Ledger, live: DeploymentRecord) -> Asked:
    """Return what a policy asks for, and no less than the approvals that the live version used up there.

    Who may change the model file can't switch off the second person by it.
    """
    used = [one for one in ledger.approvals(live.model, live.version, live.environment) if one.used_at is not None]
    now = asked_by(policy, live.environment)
    if len(used) < now.count or not used:
        return now
    signed = now.signed or all(one.signature for one in used)
    lower = len(used) > now.count or signed != now.signed
    return Asked(count=len(used), signed=signed, since=live.version if lower else None)


def _not_counted(
    approval: Approval, policy: Policy, release: ReleaseRecord, authors: set[str], now: dt.datetime
) -> str:
    bound = (approval.model, approval.version, approval.evidence_digest, approval.policy_digest)
    if bound != (release.model, release.version, release.evidence_digest, policy.digest):
        return "is for other evidence or another policy"
    if _name(approval.approver) in authors or not _name(approval.approver):
        return "doesn't count, being the author's own"
    if approval.used_at is not None:
        return f"was used on {approval.used_at:%Y-%m-%d}"
    if approval.rejected_at is not None:
        return f"is from before the rejection of {approval.rejected_at:%Y-%m-%d}"
    if not approval.given_at <= now < approval.expires_at:
        return f"was valid until {approval.expires_at:%Y-%m-%d}"
    return ""


def _not_signed(approval: Approval, asked: Asked, verifier: Verifier, now: dt.datetime) -> str:
    """Say what is wrong with a signature; one that is there has to be right, whether or not it is asked for."""
    if asked.signed or approval.signature or approval.key_id:
        return why_not_said(verifier, approval, by=approval.approver, now=now)
    return ""


def _too_few(
    asked: Asked, counted: Sequence[str], ignored: Sequence[str], release: ReleaseRecord, environment: str
) -> str:
    needed = asked.count
    seen = f"{len(counted)} ({', '.join(counted)})" if counted else "none"
    rest = f"; not counted: {', '.join(ignored)}" if ignored else ""
    kind = ("signed " if asked.signed else "") + ("approval" if needed == 1 else "approvals")
    before = f", as v{asked.since} had (the policy now asks for less)" if asked.since is not None else ""
    fewer = ", or give a reason with --with-fewer-approvals" if asked.since is not None else ""
    how = f"ml-platform approve {release.model}/{release.version} --env {environment}"
    return (
        f"{release.model} v{release.version} needs {needed} {kind} for {environment} by people other than its "
        f"author (evidence {short(release.evidence_digest)}){before}, it has {seen}{rest}: ask one of them for "
        f"`{how}`{fewer}"
    )


def _name(person: str) -> str:
    return person.strip().casefold()
