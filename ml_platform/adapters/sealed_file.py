"""Sealed files: envelopes written as content comes and read at any position, one chunk at a time in memory."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING

from ml_platform.adapters.envelope import CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES, Chunks
from ml_platform.adapters.envelope_header import (
    HEADER_BYTES,
    Place,
    altered,
    fresh_key,
    read_header,
    rewrap,
    write_header,
)
from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import ReadableBuffer, WriteableBuffer

    from ml_platform.core.keys import Keys


class SealingWriter(io.RawIOBase):
    """Seals what is written to a new file; it opens only once it is closed and `put_header` has said what it is."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = path.open("xb")
        self._file.write(bytes(HEADER_BYTES))
        self._key = fresh_key()
        self._chunks = Chunks(self._key, Place(name=path.name, digest=""))
        self._rest = bytearray()
        self._number = 0
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the content written so far."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, content: ReadableBuffer, /) -> int:
        """Take more content; what may be the last chunk waits for more, or for the end."""
        view = memoryview(content).cast("B")
        self._hash.update(view)
        self._rest += view
        full = max(0, len(self._rest) - 1) // CHUNK_BYTES
        for at in range(full):
            self._seal(bytes(self._rest[at * CHUNK_BYTES : (at + 1) * CHUNK_BYTES]), last=False)
        del self._rest[: full * CHUNK_BYTES]
        return len(view)

    def close(self) -> None:
        """Seal the rest as the last chunk."""
        if self.closed:
            return
        try:
            self._seal(bytes(self._rest), last=True)
        finally:
            self._file.close()
            super().close()

    def put_header(self, place: Place, keys: Keys) -> None:
        """Make the closed file open as `place`, and as nothing else."""
        _overwrite(self._path, write_header(self._key, place, keys))

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._file.write(self._chunks.seal(plain, self._number, last=last))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Reads a sealed file at any position; raises DataInvalid as soon as a chunk isn't what was sealed."""

    def __init__(self, path: Path, place: Place, keys: Keys) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        try:
            self._place = place
            self._chunks = Chunks(read_header(self._file.read(HEADER_BYTES), place, keys), place)
            body = os.fstat(self._file.fileno()).st_size - HEADER_BYTES
            self._count = -(-body // SEALED_CHUNK_BYTES)
            if not self._count:
                raise DataInvalid(altered(place))
            self._size = body - self._count * TAG_BYTES
            self._position = 0
            self._buffer = bytearray(min(body, SEALED_CHUNK_BYTES))
            self._open: tuple[int, bytes] = (self._count - 1, self._chunk(self._count - 1))  # the end is as it was
        except BaseException:
            self._file.close()
            raise

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read anywhere."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, target: WriteableBuffer, /) -> int:
        """Fill a buffer as far as there is content."""
        view = memoryview(target).cast("B")
        done = 0
        while done < len(view) and self._position < self._size:
            number, start = divmod(self._position, CHUNK_BYTES)
            if start == 0 and number < self._count - 1 and len(view) - done >= CHUNK_BYTES:  # whole: no need to keep it
                size = self._chunks.open_into(view[done : done + CHUNK_BYTES], self._sealed(number), number)
            else:
                piece = memoryview(self._content(number))[start : start + len(view) - done]
                size = len(piece)
                view[done : done + size] = piece
            done += size
            self._position += size
        return done

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def _content(self, number: int) -> bytes:
        if self._open[0] != number:
            self._open = (number, self._chunk(number))
        return self._open[1]

    def _chunk(self, number: int) -> bytes:
        return self._chunks.open(self._sealed(number), number, last=number == self._count - 1)

    def _sealed(self, number: int) -> memoryview:
        """Read a chunk as it lies in the file; good until the next is read."""
        size = os.preadv(self._file.fileno(), [self._buffer], HEADER_BYTES + number * SEALED_CHUNK_BYTES)
        return memoryview(self._buffer)[:size]


def rewrap_file(path: Path, place: Place, keys: Keys) -> bool:
    """Wrap a file's data key under the current version, in place; False when it was so already.

    The content isn't touched. Whoever is killed, or reads meanwhile, finds a file that opens.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    added, alone = rewrap(header, place, keys)
    for wanted in (added, alone):
        if wanted != header:
            _overwrite(path, wanted)
    return alone != header


def _overwrite(path: Path, header: bytes) -> None:
    """Write a header and bring it to the disk."""
    with path.open("r+b", buffering=0) as file:
        file.write(header)
        os.fsync(file.fileno())
