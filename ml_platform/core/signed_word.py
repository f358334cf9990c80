"""A signed word: what a person's key signs, so that the word holds for exactly this and nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from typing import TypeVar

from ml_platform.core.digest import canonical_json
from ml_platform.core.dsse import pae
from ml_platform.core.ports import Approval, Rejection, Withdrawal
from ml_platform.core.signing import Signature, Signer, Verifier, why_not_signed

Word = TypeVar("Word", Approval, Rejection, Withdrawal)
PAYLOADS = {
    Approval: "application/vnd.ml-platform.approval+json",
    Rejection: "application/vnd.ml-platform.rejection+json",
    Withdrawal: "application/vnd.ml-platform.withdrawal+json",
}
# What becomes of a word later isn't part of it.
_NOT_SIGNED = {"used_at", "rejected_at", "withdrawal", "key_id", "signature"}


def message_of(word: Approval | Rejection | Withdrawal) -> bytes:
    """Return the bytes that are signed: every field of the word but what became of it and its signature."""
    said = {each.name: getattr(word, each.name) for each in fields(word) if each.name not in _NOT_SIGNED}
    utc = {name: value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value for name, value in said.items()}
    return pae(PAYLOADS[type(word)], canonical_json(utc).encode())


def sign_word(word: Word, signer: Signer) -> Word:
    """Return the word with its person's signature."""
    signature = signer.sign(message_of(word))
    return replace(word, key_id=signature.key_id, signature=signature.value.hex())


def why_not_said(verifier: Verifier, word: Approval | Rejection | Withdrawal, *, by: str, now: dt.datetime) -> str:
    """Say why a word isn't signed by this person with a key that is in use now; empty when it is.

    What a retired key signed doesn't count, whatever time it names: nobody can say who had the key then.
    """
    if not word.signature:
        return "isn't signed"
    try:
        value = bytes.fromhex(word.signature)
    except ValueError:
        value = b""
    signature = Signature(key_id=word.key_id, value=value)
    why = why_not_signed(verifier, message_of(word), signature, owner=by, at=now)
    return f"isn't signed by {by}: {why}" if why else ""
