"""The Signing port: one suite for the fake and for the key files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.core.signing import PUBLIC_BYTES, Signing, key_id_of, why_not_signed
from ml_platform_tests.fakes.signing import FakeSigning

AT = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)


@pytest.fixture(params=["fake", "files"])
def signing(request: pytest.FixtureRequest, tmp_path: Path) -> Signing:
    return FakeSigning() if request.param == "fake" else FileSigningKeys(tmp_path)


def test_what_is_signed_is_known_as_the_platform_s(signing: Signing) -> None:
    signature = signing.sign(b"yes")
    (key,) = signing.public_keys()
    assert (key.key_id, key.owner, key.retired_at) == (signature.key_id, "", None)
    assert key.key_id == key_id_of(key.public)
    assert len(key.public) == PUBLIC_BYTES
    assert why_not_signed(signing, b"yes", signature, at=AT) == ""


def test_the_same_is_signed_alike_and_nothing_else_holds(signing: Signing) -> None:
    signature = signing.sign(b"yes")
    (key,) = signing.public_keys()
    assert signing.sign(b"yes") == signature
    assert signing.holds(key.public, b"yes", signature.value)
    assert not signing.holds(key.public, b"no", signature.value)
    assert not signing.holds(key.public, b"yes", signature.value[:-1])
    assert not signing.holds(bytes(PUBLIC_BYTES - 1), b"yes", signature.value)
    assert signing.sign(b"").key_id == key.key_id
