"""Digests: the SHA-256 of a value's canonical JSON, the same on every machine."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePath

CHUNK = 1 << 20


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    message = f"{type(value).__name__} has no canonical JSON"
    raise TypeError(message)


def canonical_json(value: object) -> str:
    """Write a value as JSON with sorted keys and no spaces.

    Takes dataclasses, mappings, sequences, dates and paths. Raises ValueError for NaN and infinities.

    >>> canonical_json({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(value, default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: object) -> str:
    """Return the SHA-256 (64 hex digits) of a value's canonical JSON."""
    return digest_of_bytes(canonical_json(value).encode())


def digest_of_bytes(content: bytes) -> str:
    """Return the SHA-256 (64 hex digits) of bytes."""
    return hashlib.sha256(content).hexdigest()


def short(digest: str) -> str:
    """Shorten a digest for people: its first 12 digits."""
    return digest[:12]
