"""Reply: a whole answer to a request, and what turns refusals into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from ml_platform.serving.body import JSON
from ml_platform.serving.refusal import Refused

UNAUTHENTICATED = 401
CLOSING = frozenset({408, 413})


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; `headers` are those beside content-type and content-length. A long one is `spooled` to a file."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    spooled: IO[bytes] | None = None


def refusal_headers(refused: Refused) -> tuple[tuple[bytes, bytes], ...]:
    """Return what a refusal says in its headers: how to ask, when to come again, that the connection ends."""
    headers = []
    if refused.status in CLOSING:
        headers.append((b"connection", b"close"))
    if refused.status == UNAUTHENTICATED:
        headers.append((b"www-authenticate", b"Bearer"))
    if refused.retry_after_seconds is not None:
        headers.append((b"retry-after", str(refused.retry_after_seconds).encode()))
    return tuple(headers)
