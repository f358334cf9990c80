"""`FakeKeys`: the Keys port in memory."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.keys import DATA_KEY_BYTES, KeyVersion

MADE_AT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


class FakeKeys:
    """Wraps by masking with a hash; keeps the rules of the port, not the secrets."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}
        self._count = 0

    def current(self) -> str:
        return list(self._known)[-1] if self._known else self.add()

    def versions(self) -> Sequence[KeyVersion]:
        return [KeyVersion(version=version, made_at=MADE_AT) for version in self._known]

    def wrap(self, data_key: bytes, *, version: str, context: bytes) -> bytes:
        if len(data_key) != DATA_KEY_BYTES:
            raise DataInvalid("not a data key")
        salt = secrets.token_bytes(12)
        masked = bytes(one ^ other for one, other in zip(data_key, self._mask(version, salt), strict=True))
        return salt + masked + self._tag(version, context, salt + masked)

    def unwrap(self, wrapped: bytes, *, version: str, context: bytes) -> bytes:
        salt, masked, tag = wrapped[:12], wrapped[12:-32], wrapped[-32:]
        if tag != self._tag(version, context, salt + masked):
            raise DataInvalid("not what was wrapped")
        return bytes(one ^ other for one, other in zip(masked, self._mask(version, salt), strict=True))

    def add(self) -> str:
        self._count += 1
        version = f"fake-{self._count}"
        self._known[version] = secrets.token_bytes(DATA_KEY_BYTES)
        return version

    def retire(self, version: str) -> None:
        self._secret(version)
        if version == self.current():
            raise DataInvalid("the current one")
        del self._known[version]

    def _secret(self, version: str) -> bytes:
        if version not in self._known:
            raise Unavailable("unknown key")
        return self._known[version]

    def _mask(self, version: str, salt: bytes) -> bytes:
        return hashlib.sha256(b"mask" + self._secret(version) + salt).digest()

    def _tag(self, version: str, context: bytes, masked: bytes) -> bytes:
        return hashlib.sha256(b"tag" + self._secret(version) + masked + context).digest()
