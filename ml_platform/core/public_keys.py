"""Public keys as a file: what an auditor needs to check signatures, and nothing secret."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence

from ml_platform.core.digest import canonical_json
from ml_platform.core.dsse import pae
from ml_platform.core.errors import DataInvalid
from ml_platform.core.signing import PUBLIC_BYTES, PublicKey, key_id_of

SCHEMA_VERSION = 1
VOUCHING = "application/vnd.ml-platform.key+json"


def written_keys(keys: Sequence[PublicKey]) -> str:
    """Write public keys as JSON; `parse_keys` reads it."""
    rows = [
        {
            "key_id": key.key_id,
            "public": key.public.hex(),
            "owner": key.owner,
            "made_at": key.made_at.isoformat(),
            "retired_at": key.retired_at.isoformat() if key.retired_at else None,
            "voucher": key.voucher,
            "vouched": key.vouched.hex(),
        }
        for key in keys
    ]
    return canonical_json({"schema_version": SCHEMA_VERSION, "keys": rows})


def parse_keys(text: bytes, where: str) -> tuple[PublicKey, ...]:
    """Read public keys; raises DataInvalid when it isn't exactly such a file, or a key isn't the one of its id."""
    try:
        said = json.loads(text)
        keys = tuple(
            PublicKey(
                key_id=str(row["key_id"]),
                public=bytes.fromhex(row["public"]),
                owner=str(row["owner"]),
                made_at=_time(row["made_at"]),
                retired_at=None if row["retired_at"] is None else _time(row["retired_at"]),
                voucher=str(row["voucher"]),
                vouched=bytes.fromhex(row["vouched"]),
            )
            for row in said["keys"]
        )
    except (ValueError, KeyError, TypeError):
        keys = ()
        said = {}
    ids = [key.key_id for key in keys]
    whole = all(len(key.public) == PUBLIC_BYTES and key.key_id == key_id_of(key.public) for key in keys)
    if said.get("schema_version") != SCHEMA_VERSION or not whole or len(ids) != len(set(ids)):
        message = (
            f"{where}: it isn't a list of public keys as this version writes it, or a key isn't the one of its id; "
            "such a list is needed; write it with `ml-platform keys public`"
        )
        raise DataInvalid(message)
    return keys


def vouching_for(key: PublicKey) -> bytes:
    """Return what a voucher signs: whose key it is and since when; that it was retired, anybody may say."""
    said = {"public": key.public.hex(), "owner": key.owner, "made_at": key.made_at.isoformat()}
    return pae(VOUCHING, canonical_json(said).encode())


def require_vouched(keys: Sequence[PublicKey], holds: Callable[[bytes, bytes, bytes], bool], where: str) -> None:
    """Raise DataInvalid unless each key is vouched for by an earlier one of the platform's: nobody else can add one."""
    own: dict[str, PublicKey] = {}
    for key in keys:
        voucher = own.get(key.voucher) or (key if not own and key.voucher == key.key_id and not key.owner else None)
        if voucher is None or not holds(voucher.public, vouching_for(key), key.vouched):
            message = (
                f"{where}: no earlier key of the platform vouches for the key {key.key_id}; somebody added or altered "
                "it; the list as the platform wrote it is needed; restore it from a copy"
            )
            raise DataInvalid(message)
        if not key.owner:
            own[key.key_id] = key


def _time(text: str) -> dt.datetime:
    at = dt.datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at
