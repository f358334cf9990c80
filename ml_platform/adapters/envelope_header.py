"""Header of a sealed file: its own key, wrapped, with what the file belongs to pinned.

Eight bytes say what this is and its schema version, sixteen are the file's salt; then two slots follow, each a key
version and the data key wrapped under it. Changing the wrapping key fills the free slot, and only when that is on the
disk empties the other: whoever is killed in between leaves a file that opens.
"""

from __future__ import annotations

import secrets
import zlib
from dataclasses import dataclass, field

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.keys import DATA_KEY_BYTES, LONGEST_VERSION, LONGEST_WRAPPED, Keys

MAGIC = b"mlpseal\x01"
SALT_BYTES = 16
SLOTS = 2
SLOT_BYTES = LONGEST_VERSION + 2 + 4 + LONGEST_WRAPPED
HEADER_BYTES = len(MAGIC) + SALT_BYTES + SLOTS * SLOT_BYTES
_START = len(MAGIC) + SALT_BYTES
_EMPTY = bytes(SLOT_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a sealed file is and belongs to: it opens as nothing else; `where` it lies is only said to people."""

    name: str
    digest: str
    where: str = ""

    @property
    def words(self) -> str:
        """Name it for people."""
        if self.where:
            return self.where
        return f"{self.name} of {short(self.digest)}" if self.digest else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A file's own key."""

    secret: bytes = field(repr=False)
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    version: str
    wrapped: bytes


def fresh_key() -> DataKey:
    """Make a data key that was never used."""
    return DataKey(secret=secrets.token_bytes(DATA_KEY_BYTES), salt=secrets.token_bytes(SALT_BYTES))


def write_header(data_key: DataKey, place: Place, keys: Keys) -> bytes:
    """Return the header of a new file, its key wrapped under the current version."""
    return MAGIC + data_key.salt + _new_slot(data_key, place, keys) + _EMPTY


def read_header(header: bytes, place: Place, keys: Keys) -> DataKey:
    """Return the data key; raises DataInvalid when this isn't `place`'s header, Unavailable when the key is lost."""
    return _open(header, place, keys)[1]


def is_header(header: bytes) -> bool:
    """Say whether bytes begin as a sealed file does, of whatever schema version."""
    return header.startswith(MAGIC[:-1])


def versions_in(header: bytes) -> tuple[str, ...]:
    """Return the key versions that a header names; empty for bytes that are no header."""
    return tuple(slot.version for slot in _slots(header) if slot is not None) if is_header(header) else ()


def rewrap(header: bytes, place: Place, keys: Keys) -> tuple[bytes, bytes]:
    """Return the header with the current version's slot added, then with that slot alone.

    Bring them to the disk in this order, and there is no moment in which the file can't be opened.
    """
    at, data_key = _open(header, place, keys)
    slots = [header[start : start + SLOT_BYTES] for start in range(_START, HEADER_BYTES, SLOT_BYTES)]
    if _parse(slots[at]).version != keys.current():  # type: ignore[union-attr]  # it was just opened
        at = 1 - at
        slots[at] = _new_slot(data_key, place, keys)
    added = header[:_START] + b"".join(slots)
    slots[1 - at] = _EMPTY
    return added, header[:_START] + b"".join(slots)


def altered(place: Place) -> str:
    """Say that something can't be opened because it isn't what was sealed."""
    return (
        f"{place.words}: it isn't what was sealed here: altered, cut short, or another file in its place; only what "
        "was sealed under this name is read; restore it from a backup, or remove it and make it again"
    )


def _open(header: bytes, place: Place, keys: Keys) -> tuple[int, DataKey]:
    """Return the slot that opens, and the data key."""
    _require_header(header, place)
    salt = header[len(MAGIC) : _START]
    lost: Unavailable | None = None
    for at, slot in enumerate(_slots(header)):
        if slot is None:
            continue
        try:
            secret = keys.unwrap(slot.wrapped, version=slot.version, context=_context(place, salt))
        except DataInvalid:
            continue
        except Unavailable as error:
            lost = error
            continue
        return at, DataKey(secret=secret, salt=salt)
    if lost is not None:
        raise Unavailable(f"{place.words}: {lost}") from lost
    raise DataInvalid(altered(place))


def _require_header(header: bytes, place: Place) -> None:
    if not is_header(header):
        message = (
            f"{place.words}: it lies here as plain text; what is stored has to be sealed; if an earlier version of the "
            "platform wrote it, run `ml-platform keys seal`, otherwise remove it and make it again"
        )
        raise DataInvalid(message)
    if not header.startswith(MAGIC):
        message = (
            f"{place.words}: it was sealed in form {header[len(MAGIC) - 1 : len(MAGIC)].hex()}; this version of the "
            f"platform knows form {MAGIC[-1:].hex()}; read it with the version that wrote it"
        )
        raise DataInvalid(message)
    if len(header) < HEADER_BYTES:
        raise DataInvalid(altered(place))


def _slots(header: bytes) -> list[_Slot | None]:
    return [_parse(header[start : start + SLOT_BYTES]) for start in range(_START, HEADER_BYTES, SLOT_BYTES)]


def _new_slot(data_key: DataKey, place: Place, keys: Keys) -> bytes:
    version = keys.current()
    wrapped = keys.wrap(data_key.secret, version=version, context=_context(place, data_key.salt))
    content = version.encode("ascii").ljust(LONGEST_VERSION, b"\0") + len(wrapped).to_bytes(2) + wrapped
    return (zlib.crc32(content).to_bytes(4) + content).ljust(SLOT_BYTES, b"\0")


def _parse(slot: bytes) -> _Slot | None:
    """Read a slot; None when it is empty, or half written when somebody was killed."""
    head = 4 + LONGEST_VERSION + 2
    length = int.from_bytes(slot[head - 2 : head])
    content = slot[4 : head + length]
    if not length or int.from_bytes(slot[:4]) != zlib.crc32(content):
        return None
    version = content[:LONGEST_VERSION].rstrip(b"\0").decode("ascii", "replace")
    return _Slot(version=version, wrapped=content[LONGEST_VERSION + 2 :])


def _context(place: Place, salt: bytes) -> bytes:
    return b"\n".join([MAGIC, salt.hex().encode(), place.digest.encode(), place.name.encode()])
