"""Envelope: bytes sealed by AES-256-GCM under a key of their own, which opens only as what they were sealed as.

The content goes in chunks, each with its number and whether it is the last in its nonce (the STREAM construction of
Hoang, Reyhanitabar, Rogaway and Vizar, CRYPTO 2015): chunks can't be exchanged, repeated, left out or cut off. The data
key is fresh for every envelope, so a nonce never comes twice; `Keys` wraps it with name and digest pinned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.adapters.envelope_header import (
    HEADER_BYTES,
    DataKey,
    Place,
    altered,
    fresh_key,
    read_header,
    rewrap,
    write_header,
)
from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from ml_platform.core.keys import Keys

CHUNK_BYTES = 1 << 18
TAG_BYTES = 16
SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES


class Chunks:
    """Seals and opens the chunks of one envelope."""

    def __init__(self, data_key: DataKey, place: Place) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._errors = (InvalidTag, ValueError)
        self.place = place
        self._cipher = AESGCM(data_key.secret)
        self._about = b"ml-platform chunk\n" + data_key.salt

    def seal(self, plain: bytes | memoryview, number: int, *, last: bool) -> bytes:
        """Seal one chunk."""
        return self._cipher.encrypt(_nonce(number, last=last), plain, self._about)

    def open(self, sealed: bytes | memoryview, number: int, *, last: bool) -> bytes:
        """Open one chunk; raises DataInvalid when it isn't the one sealed under this number."""
        try:
            return self._cipher.decrypt(_nonce(number, last=last), sealed, self._about)
        except self._errors:
            raise DataInvalid(altered(self.place)) from None

    def open_into(self, target: memoryview, sealed: bytes | memoryview, number: int) -> int:
        """Open a chunk that isn't the last straight into a buffer of its size; return the size."""
        try:
            return self._cipher.decrypt_into(_nonce(number, last=False), sealed, self._about, target)
        except self._errors:
            raise DataInvalid(altered(self.place)) from None


def seal(plain: bytes, *, keys: Keys, name: str, digest: str) -> bytes:
    """Seal bytes as what `name` and `digest` say, under a fresh data key that the current version wraps."""
    place, data_key = Place(name=name, digest=digest), fresh_key()
    chunks, view = Chunks(data_key, place), memoryview(plain)
    count = chunk_count(len(plain))
    sealed = [
        chunks.seal(view[at * CHUNK_BYTES : (at + 1) * CHUNK_BYTES], at, last=at == count - 1) for at in range(count)
    ]
    return b"".join([write_header(data_key, place, keys), *sealed])


def unseal(sealed: bytes, *, keys: Keys, name: str, digest: str) -> bytes:
    """Return what was sealed under exactly this name and digest.

    Raises DataInvalid for anything else (altered, cut, exchanged, plain), Unavailable when the wrapping key is lost.
    """
    place = Place(name=name, digest=digest)
    chunks = Chunks(read_header(sealed[:HEADER_BYTES], place, keys), place)
    body = memoryview(sealed)[HEADER_BYTES:]
    count = -(-len(body) // SEALED_CHUNK_BYTES)
    if not count:
        raise DataInvalid(altered(place))
    return b"".join(
        chunks.open(body[at * SEALED_CHUNK_BYTES : (at + 1) * SEALED_CHUNK_BYTES], at, last=at == count - 1)
        for at in range(count)
    )


def rewrapped(sealed: bytes, *, keys: Keys, name: str, digest: str) -> bytes:
    """Return the same envelope with its data key wrapped under the current version; the content stays as it is."""
    _, header = rewrap(sealed[:HEADER_BYTES], Place(name=name, digest=digest), keys)
    return header + sealed[HEADER_BYTES:]


def chunk_count(plain_bytes: int) -> int:
    """Return into how many chunks content goes; no content is one empty chunk."""
    return max(1, -(-plain_bytes // CHUNK_BYTES))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + (b"\1" if last else b"\0")
