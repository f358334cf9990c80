"""Rejections: a person's word against one version in one environment, which stands until a person withdraws it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import Ledger, Rejection, Withdrawal
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.signed_word import sign_word, why_not_said
from ml_platform.core.signing import Signer, Verifier
from ml_platform.policy.resolve import Policy
from ml_platform.stages.objection import Objection, Refused, refused
from ml_platform.stages.versions import check_environment, registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who says something about which version for which environment and why; `signer` is that person's own key."""

    model: str
    version: int
    environment: str
    person: str
    reason: str
    now: dt.datetime
    signer: Signer | None = None


def reject(policy: Policy, ledger: Ledger, said: Said) -> Rejection | Refused:
    """Write a word against a version down, or say why it would not count; raises DataInvalid for no such version.

    Anybody who may approve may reject, the author too. It takes nothing down: what is live stays live until a rollback.
    """
    release = _checked(ledger, said)
    if policy.signed_approvals and said.signer is None:
        return refused([Objection(_unsigned("rejections"))])
    rejection = Rejection(
        rejection_id=uuid.uuid4().hex,
        model=said.model,
        version=said.version,
        environment=said.environment,
        evidence_digest=release.evidence_digest,
        policy_digest=policy.digest,
        rejected_by=said.person.strip(),
        reason=said.reason.strip(),
        given_at=said.now,
    )
    if said.signer is not None:
        rejection = sign_word(rejection, said.signer)
    ledger.reject(rejection)
    return rejection


def withdraw(policy: Policy, ledger: Ledger, said: Said, *, trained_by: str) -> tuple[Withdrawal, ...] | Refused:
    """Withdraw every rejection of a version that stands; who trained or released it can withdraw their own only."""
    release = _checked(ledger, said)
    if policy.signed_approvals and said.signer is None:
        return refused([Objection(_unsigned("withdrawals"))])
    where = (said.model, said.version, said.environment)
    standing = [each for each in ledger.rejections(*where) if each.withdrawal is None]
    if not standing:
        about = f"{said.model} v{said.version}"
        return refused([Objection(f"{about}: there is no rejection for {said.environment} that could be withdrawn")])
    authors = {_name(trained_by), _name(release.released_by)}
    if any(_is_authors(said.person, each, authors) for each in standing):
        about = f"{said.person} trained or released {said.model} v{said.version}"
        return refused([Objection(f"{about}: somebody else has to withdraw what others said against it")])
    made = tuple(_withdrawal(each, said) for each in standing)
    for withdrawal in made:
        ledger.withdraw(withdrawal)
    return made


def standing_rejections(
    policy: Policy,
    *,
    ledger: Ledger,
    verifier: Verifier,
    release: ReleaseRecord,
    environment: str,
    now: dt.datetime,
    trained_by: str,
) -> list[Objection]:
    """Return an objection for each rejection that stands, naming who and why.

    A rejection counts however it was written down; its withdrawal counts only when the policy would believe an
    approval of that person. What is in doubt stays shut.
    """
    authors = {_name(trained_by), _name(release.released_by)}
    found = []
    for each in ledger.rejections(release.model, release.version, environment):
        withdrawal = each.withdrawal
        if withdrawal is None:
            found.append(Objection(_stands(each, "")))
            continue
        own = _is_authors(withdrawal.withdrawn_by, each, authors)
        why = "doesn't count, being the author's own" if own else _not_signed(policy, withdrawal, verifier, now)
        if why:
            found.append(Objection(_stands(each, why)))
    return found


def _not_signed(policy: Policy, withdrawal: Withdrawal, verifier: Verifier, now: dt.datetime) -> str:
    if policy.signed_approvals or withdrawal.signature or withdrawal.key_id:
        return why_not_said(verifier, withdrawal, by=withdrawal.withdrawn_by, now=now)
    return ""


def _is_authors(person: str, rejection: Rejection, authors: set[str]) -> bool:
    return _name(person) in authors and _name(person) != _name(rejection.rejected_by)


def _stands(rejection: Rejection, why: str) -> str:
    named = f"{rejection.model} v{rejection.version} was rejected for {rejection.environment}"
    said = f"{named} by {rejection.rejected_by} on {rejection.given_at:%Y-%m-%d}: {rejection.reason}"
    if why and rejection.withdrawal:
        return f"{said} ({rejection.withdrawal.withdrawn_by}'s withdrawal {why}). Release a new version"
    return f"{said}. Ask for its withdrawal (`ml-platform reject --withdraw`), or release a new version"


def _withdrawal(rejection: Rejection, said: Said) -> Withdrawal:
    withdrawal = Withdrawal(
        rejection_id=rejection.rejection_id,
        model=said.model,
        version=said.version,
        environment=said.environment,
        withdrawn_by=said.person.strip(),
        reason=said.reason.strip(),
        given_at=said.now,
    )
    return sign_word(withdrawal, said.signer) if said.signer is not None else withdrawal


def _checked(ledger: Ledger, said: Said) -> ReleaseRecord:
    check_environment(said.environment)
    release = registered(ledger, said.model, said.version)
    if not said.person.strip() or not said.reason.strip():
        raise DataInvalid(
            f"{said.model} v{said.version}: a word against it, or its withdrawal, needs a name and a reason."
        )
    return release


def _unsigned(words: str) -> str:
    return f"the policy counts signed {words} only: make a key (`ml-platform keys new-person`), and give --key"


def _name(person: str) -> str:
    return person.strip().casefold()
