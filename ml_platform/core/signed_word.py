"""A signed word: what a person's key signs, so that the word holds for exactly this and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

from ml_platform.core import signed_record
from ml_platform.core.ports import Approval, Rejection, Withdrawal
from ml_platform.core.signed_record import signature_of, signed
from ml_platform.core.signing import Signer, Verifier, why_not_signed

Word = TypeVar("Word", Approval, Rejection, Withdrawal)
PAYLOADS = {
    Approval: "application/vnd.ml-platform.approval+json",
    Rejection: "application/vnd.ml-platform.rejection+json",
    Withdrawal: "application/vnd.ml-platform.withdrawal+json",
}
# What becomes of a word later isn't part of it.
_NOT_SIGNED = {"used_at", "rejected_at", "withdrawal"}


def message_of(word: Approval | Rejection | Withdrawal) -> bytes:
    """Return the bytes that are signed: every field of the word but what became of it and its signature."""
    return signed_record.message_of(word, PAYLOADS[type(word)], left_out=_NOT_SIGNED)


def sign_word(word: Word, signer: Signer) -> Word:
    """Return the word with its person's signature."""
    return signed(word, message_of(word), signer)


def why_not_said(verifier: Verifier, word: Approval | Rejection | Withdrawal, *, by: str, now: dt.datetime) -> str:
    """Say why a word isn't signed by this person with a key that is in use now; empty when it is.

    What a retired key signed doesn't count, whatever time it names: nobody can say who had the key then.
    """
    if not word.signature:
        return "isn't signed"
    why = why_not_signed(verifier, message_of(word), signature_of(word), owner=by, at=now)
    return f"isn't signed by {by}: {why}" if why else ""
