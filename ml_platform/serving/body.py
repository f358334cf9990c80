"""Body: a request's body, whole, within its limits of size and time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from ml_platform.serving.refusal import Refused

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"
MAXIMUM_BODY_BYTES = 10 << 20
DRAINED_BYTES = 64 << 20
BODY_SECONDS = 30.0
DRAIN_SECONDS = 5.0


async def read_body(scope: Scope, receive: Receive, kinds: Collection[bytes] = (JSON,)) -> bytes:
    """Return the body; raises Refused when it is too large, too slow or of none of these content types."""
    waits = False
    for name, value in scope["headers"]:
        require_kind(name, value, kinds)
        waits = waits or name == b"expect"
        if name == b"content-length" and int(value) > MAXIMUM_BODY_BYTES:
            if not waits:
                await _drain(receive)
            raise _too_large()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            message = await next_part(receive)
            body: bytes = message.get("body", b"")
            return await _read_rest(receive, bytearray(body)) if message.get("more_body", False) else body
    except TimeoutError as error:
        raise Refused(408, "BAD_REQUEST", f"the body didn't arrive within {BODY_SECONDS:g} s") from error


def require_kinds(scope: Scope, kinds: Collection[bytes]) -> None:
    """Raise Refused when a request says that its body is of none of these content types, or compressed."""
    for name, value in scope["headers"]:
        require_kind(name, value, kinds)


def require_kind(name: bytes, value: bytes, kinds: Collection[bytes]) -> None:
    """Raise Refused when a header says that the body is of none of these content types, or compressed."""
    if name == b"content-type" and value not in kinds and media_type(value) not in kinds:
        allowed = " or ".join(kind.decode() for kind in kinds)
        raise Refused(415, "BAD_REQUEST", f"the content type has to be {allowed}, in UTF-8")
    if name == b"content-encoding":
        raise Refused(415, "BAD_REQUEST", "the body has to be sent uncompressed")


def media_type(value: bytes) -> bytes:
    """Return what a content type names, without its parameters; nothing when it says another encoding than UTF-8.

    >>> media_type(b"Text/CSV; charset=UTF-8"), media_type(b"text/csv; charset=latin-1")
    (b'text/csv', b'')
    """
    kind, *parameters = (part.strip() for part in value.lower().split(b";"))
    charsets = [part.partition(b"=")[2].strip(b' "') for part in parameters if part.startswith(b"charset=")]
    return kind if all(charset in {b"utf-8", b"utf8", b"us-ascii"} for charset in charsets) else b""


async def _read_rest(receive: Receive, body: bytearray) -> bytes:
    more = True
    while more:
        message = await next_part(receive)
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAXIMUM_BODY_BYTES:
            body.clear()
            if more:
                await _drain(receive)
            raise _too_large()
    return bytes(body)


async def _drain(receive: Receive) -> None:
    """Take in the rest of a body, within limits: a sender that is cut off never reads why."""
    taken = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while taken < DRAINED_BYTES:
                message = await next_part(receive)
                taken += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


async def next_part(receive: Receive) -> Message:
    """Return the next part of a body; raises Refused when the sender went away."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Refused(499, "BAD_REQUEST", "the client went away before the body was whole")
    return message


def _too_large() -> Refused:
    message = f"the body is larger than {MAXIMUM_BODY_BYTES >> 20} MB: send fewer rows at once"
    return Refused(413, "TOO_LARGE", message)
