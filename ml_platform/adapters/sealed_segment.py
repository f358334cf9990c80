"""Sealed segments: each begins with the header of an envelope, each line holds one payload sealed under its key.

A line's nonce is a counter that never goes back, not even when a failed write is taken back, and stands before the
sealed bytes; sealed with the payload is the line's number, so that lines taken out or moved are found. Lines cut off at
the end are not: a segment has no last line before its writer closes it, and a killed writer never does.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.envelope_header import HEADER_BYTES, MAGIC, Place, fresh_key, read_header, write_header
from ml_platform.adapters.segments import Scan, scan

if TYPE_CHECKING:
    from ml_platform.adapters.envelope_header import DataKey
    from ml_platform.core.keys import Keys

FEEDBACK = "feedback"
NONCE_BYTES = 12
NUMBER_BYTES = 8


def place_of_segment(segment: Path) -> Place:
    """Return what a segment is sealed as: itself, in the folder of its log, model and environment."""
    model = segment.parent
    kind = FEEDBACK if model.parent.parent.name == FEEDBACK else "traffic"
    return Place(name=f"{kind}/{model.parent.name}/{model.name}/{segment.name}", digest="", where=str(segment))


class SealedLines:
    """Seals the lines of one segment after the other; see `Cover`."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._lines: _Lines | None = None
        self._count = 0

    def begin(self, segment: Path) -> bytes:
        """Take a fresh data key for a new segment and return the header that holds it."""
        data_key = fresh_key()
        self._lines, self._count = _Lines(data_key), 0
        return write_header(data_key, place_of_segment(segment), self._keys)

    def seal(self, payload: bytes, number: int) -> bytes:
        """Return what stands in the line of this number."""
        assert self._lines is not None  # noqa: S101 - a segment begins before its lines
        nonce = self._count.to_bytes(NONCE_BYTES)
        self._count += 1
        return self._lines.seal(nonce, payload, number)


def scan_sealed(segment: Path, seen: Scan, keys: Keys) -> Iterator[bytes]:
    """Iterate over the payloads of a segment as `scan` does; lines that are missing count as altered.

    Raises DataInvalid when the segment isn't the sealed one of this name, Unavailable when its key is lost.
    """
    with segment.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES and MAGIC.startswith(header[: len(MAGIC)]):  # its writer was killed right here
        seen.unfinished += bool(header)
        return
    lines = _Lines(read_header(header, place_of_segment(segment), keys))
    expected, counted = 0, seen.altered
    for line in scan(segment, seen, start=HEADER_BYTES):
        found = lines.open(line)
        if found is None or found[0] < expected:
            seen.altered += 1
            continue
        number, payload = found
        seen.altered += max(0, number - expected - (seen.altered - counted))
        expected, counted = number + 1, seen.altered
        yield payload


class _Lines:
    """Seals and opens lines under one data key."""

    def __init__(self, data_key: DataKey) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._errors = (InvalidTag, ValueError)
        self._cipher = AESGCM(data_key.secret)
        self._about = b"ml-platform line\n" + data_key.salt

    def seal(self, nonce: bytes, payload: bytes, number: int) -> bytes:
        sealed = self._cipher.encrypt(nonce, number.to_bytes(NUMBER_BYTES) + payload, self._about)
        return binascii.b2a_base64(nonce + sealed, newline=False)

    def open(self, line: bytes) -> tuple[int, bytes] | None:
        """Return a line's number and payload, or None when it wasn't sealed under this key."""
        try:
            whole = binascii.a2b_base64(line, strict_mode=True)
            plain = self._cipher.decrypt(whole[:NONCE_BYTES], whole[NONCE_BYTES:], self._about)
        except self._errors:
            return None
        return int.from_bytes(plain[:NUMBER_BYTES]), plain[NUMBER_BYTES:]
