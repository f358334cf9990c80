"""A signed approval: what a person's key signs, so that the word holds for exactly this and nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace

from ml_platform.core.digest import canonical_json
from ml_platform.core.dsse import pae
from ml_platform.core.ports import Approval
from ml_platform.core.signing import Signature, Signer, Verifier, why_not_signed

PAYLOAD = "application/vnd.ml-platform.approval+json"
_NOT_SIGNED = {"used_at", "key_id", "signature"}


def message_of(approval: Approval) -> bytes:
    """Return the bytes that are signed: every field of the approval but its use and its signature."""
    said = {each.name: getattr(approval, each.name) for each in fields(approval) if each.name not in _NOT_SIGNED}
    utc = {name: value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value for name, value in said.items()}
    return pae(PAYLOAD, canonical_json(utc).encode())


def sign_approval(approval: Approval, signer: Signer) -> Approval:
    """Return the approval with its person's signature."""
    signature = signer.sign(message_of(approval))
    return replace(approval, key_id=signature.key_id, signature=signature.value.hex())


def why_not_approved(verifier: Verifier, approval: Approval, *, now: dt.datetime) -> str:
    """Say why an approval isn't signed by its person with a key that is in use now; empty when it is.

    What a retired key signed doesn't count, whatever time it names: nobody can say who had the key then.
    """
    if not approval.signature:
        return "isn't signed"
    try:
        value = bytes.fromhex(approval.signature)
    except ValueError:
        value = b""
    signature = Signature(key_id=approval.key_id, value=value)
    why = why_not_signed(verifier, message_of(approval), signature, owner=approval.approver, at=now)
    return f"isn't signed by {approval.approver}: {why}" if why else ""
