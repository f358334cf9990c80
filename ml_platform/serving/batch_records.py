"""Batch records: a streamed body cut into records, one per row, without ever holding more than a few of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from ml_platform.serving.body import BODY_SECONDS, Message, Receive, next_part
from ml_platform.serving.refusal import Refused

MAXIMUM_BYTES = 1 << 30
LONGEST_RECORD = 1 << 20
MOST_SECONDS = 3600.0
BOM = b"\xef\xbb\xbf"
QUOTE = b'"'


class Cutter:
    """Cuts bytes into lines; with `quoted`, as in CSV, a line end between quotes belongs to its record."""

    def __init__(self, *, quoted: bool) -> None:
        self._quoted = quoted
        self._begun = False
        self._rest: list[bytes] = []  # of a line that hasn't ended
        self._open: list[bytes] = []  # the lines of a record that goes on
        self._quotes = 0
        self._size = self._held = 0  # of the rest, of the open lines

    def cut(self, part: bytes) -> list[bytes]:
        """Return the records that this part completes; raises Refused when one is too long."""
        self._rest.append(part)
        self._size += len(part)
        records = self._cut() if b"\n" in part else []
        if self._size + self._held > LONGEST_RECORD:
            raise Refused(413, "TOO_LARGE", f"a row is longer than {LONGEST_RECORD >> 20} MB; send shorter ones")
        return records

    def last(self) -> list[bytes]:
        """Return what is left at the end of the body."""
        rest = self._joined()
        record = self._record(rest)
        return [b"\n".join(self._open)] if record is None else [record] if record else []

    def _cut(self) -> list[bytes]:
        *lines, rest = self._joined().split(b"\n")
        self._rest = [rest]
        records = [record for line in lines if (record := self._record(line)) is not None]
        self._size = len(rest)
        return records

    def _joined(self) -> bytes:
        rest = b"".join(self._rest)
        if not self._begun:
            rest, self._begun = rest.removeprefix(BOM), True
        return rest

    def _record(self, line: bytes) -> bytes | None:
        """Return the record that a line ends, None while it goes on."""
        if not self._quoted or (not self._open and QUOTE not in line):
            return line.removesuffix(b"\r")
        self._open.append(line)
        self._held += len(line) + 1
        self._quotes += line.count(QUOTE)
        if self._quotes % 2:
            return None
        record = b"\n".join(self._open).removesuffix(b"\r")
        self._open, self._quotes, self._held = [], 0, 0
        return record


async def records_of(
    receive: Receive, cutter: Cutter, *, seconds: Callable[[], float] = time.monotonic
) -> AsyncGenerator[list[bytes]]:
    """Yield a body's records as its parts come; raises Refused when it is too large or too slow."""
    ends, size, more = seconds() + MOST_SECONDS, 0, True
    while more:
        message = await _part(receive, min(BODY_SECONDS, ends - seconds()))
        part: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size > MAXIMUM_BYTES:
            raise Refused(413, "TOO_LARGE", f"the batch is larger than {MAXIMUM_BYTES >> 30} GB: send it in parts")
        yield cutter.cut(part)
    yield cutter.last()


async def _part(receive: Receive, seconds: float) -> Message:
    try:
        async with asyncio.timeout(seconds):
            return await next_part(receive)
    except TimeoutError as error:
        said = f"nothing of the batch came for {BODY_SECONDS:g} s, or it took longer than {MOST_SECONDS:,.0f} s"
        raise Refused(408, "BAD_REQUEST", said) from error
