"""A signed deployment: only a process that holds the platform's key makes a version live, not who can write a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ml_platform.core.records import DeploymentRecord
from ml_platform.core.signed_record import message_of, signature_of, signed
from ml_platform.core.signing import Signer, Verifier, why_not_signed

PAYLOAD = "application/vnd.ml-platform.deployment+json"


def sign_deployment(deployment: DeploymentRecord, signer: Signer) -> DeploymentRecord:
    """Return the deployment with the platform's signature; raises Unavailable when its key is lost."""
    return signed(deployment, _message(deployment), signer)


def why_not_deployed(verifier: Verifier, deployment: DeploymentRecord) -> str:
    """Say why the platform didn't sign exactly this deployment; empty when it did."""
    if not deployment.signature:
        return "it isn't signed"
    return why_not_signed(verifier, _message(deployment), signature_of(deployment), at=deployment.since)


def why_not_newest(verifier: Verifier, history: Sequence[DeploymentRecord]) -> str:
    """Say why the last of a place's deployments, oldest first, isn't one that the platform made after all others."""
    *before, newest = history
    if any(newest.since <= each.since for each in before):
        return "it is an old deployment that was put there again"
    return why_not_deployed(verifier, newest)


def deployment_problems(verifier: Verifier, history: Sequence[DeploymentRecord]) -> Iterator[str]:
    """Yield what is wrong with the deployments of one place, oldest first.

    The first ones may be from before deployments were signed. One that isn't newer than the one before it is an old
    one that was put there again: its signature holds, its time gives it away.
    """
    begun, last = False, None
    for deployment in history:
        name = f"{deployment.model}@{deployment.environment}: the deployment of v{deployment.version}"
        when = f"{deployment.since:%Y-%m-%d %H:%M:%S} UTC"
        begun = begun or bool(deployment.signature)
        why = why_not_deployed(verifier, deployment) if begun else ""
        if why:
            yield f"{name} ({when}) isn't the platform's: {why}"
        elif last is not None and deployment.since <= last:
            yield f"{name} ({when}) is an old one that was put there again"
        last = deployment.since if last is None else max(last, deployment.since)


def _message(deployment: DeploymentRecord) -> bytes:
    return message_of(deployment, PAYLOAD)
