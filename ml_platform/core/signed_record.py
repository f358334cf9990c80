"""A signed record: its fields as the bytes that a key signs, and the signature that it carries beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from ml_platform.core.digest import canonical_json
from ml_platform.core.dsse import pae
from ml_platform.core.signing import Signature, Signer

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    class Signed(DataclassInstance, Protocol):
        """A dataclass that carries its signature, in hexadecimal digits; empty when there is none."""

        @property
        def key_id(self) -> str:
            """Return the id of the key that signed."""
            ...

        @property
        def signature(self) -> str:
            """Return the signature."""
            ...


Record = TypeVar("Record", bound="Signed")
ITS_SIGNATURE = frozenset({"key_id", "signature"})


def message_of(record: Signed, payload: str, *, left_out: Collection[str] = ()) -> bytes:
    """Return the bytes that are signed: every field but its signature and those left out, times in UTC."""
    names = [each.name for each in fields(record) if each.name not in ITS_SIGNATURE and each.name not in left_out]
    said = {name: getattr(record, name) for name in names}
    utc = {name: value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value for name, value in said.items()}
    return pae(payload, canonical_json(utc).encode())


def signed(record: Record, message: bytes, signer: Signer) -> Record:
    """Return the record with a signature over its message."""
    signature = signer.sign(message)
    return replace(record, key_id=signature.key_id, signature=signature.value.hex())


def signature_of(record: Signed) -> Signature:
    """Return the signature that a record carries; one that isn't in hexadecimal digits is of nothing."""
    try:
        value = bytes.fromhex(record.signature)
    except ValueError:
        value = b""
    return Signature(key_id=record.key_id, value=value)
