"""API tokens: `mlp_<id>_<secret>`. Only the hash of the secret is kept; 256 random bits need no slow hash."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_FORM = re.compile(r"mlp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """What is kept of a token."""

    id: str
    label: str
    sha256: str
    made_at: dt.datetime
    expires_at: dt.datetime


def new_token(label: str, *, now: dt.datetime, days: int) -> tuple[str, TokenRecord]:
    """Make a token; return its text, which is never seen again, and what is kept of it."""
    name, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    expires = now + dt.timedelta(days=days)
    return f"mlp_{name}_{secret}", TokenRecord(
        id=name, label=label, sha256=_hash(secret), made_at=now, expires_at=expires
    )


def token_id(text: str) -> str | None:
    """Return the part of a token that may be shown; None when it has no token's form."""
    found = _FORM.fullmatch(text)
    return found[1] if found else None


def is_token(text: str, kept: TokenRecord, *, now: dt.datetime) -> bool:
    """Say whether a text is exactly this token, and it hasn't expired."""
    found = _FORM.fullmatch(text)
    if found is None or found[1] != kept.id:
        return False
    return hmac.compare_digest(_hash(found[2]), kept.sha256) and now < kept.expires_at


def _hash(secret: str) -> str:
    return hashlib.sha256(b"ml-platform token\n" + secret.encode()).hexdigest()
