"""Signatures, their envelopes and the list of public keys: only exactly what was written is accepted."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.dsse import pae, read_envelope, seal, write_envelope
from ml_platform.core.errors import DataInvalid
from ml_platform.core.public_keys import parse_keys, written_keys
from ml_platform.core.signing import PublicKey, Signature, key_id_of, why_not_signed
from ml_platform_tests.fakes.signing import FakeSigning

AT = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def test_a_signature_holds_for_its_owner_its_content_and_its_time() -> None:
    signing = FakeSigning()
    signature = signing.sign(b"yes")
    assert why_not_signed(signing, b"yes", signature, at=AT) == ""
    assert "of another content" in why_not_signed(signing, b"no", signature, at=AT)
    assert "isn't one of carol's keys" in why_not_signed(signing, b"yes", signature, owner="carol", at=AT)
    unknown = Signature(key_id="0" * 16, value=signature.value)
    assert "isn't one of the platform's keys" in why_not_signed(signing, b"yes", unknown, at=AT)


def test_a_retired_key_verifies_what_it_signed_before_and_nothing_after() -> None:
    signing = FakeSigning()
    signature = signing.sign(b"yes")
    signing.retire(signature.key_id, AT)
    assert why_not_signed(signing, b"yes", signature, at=AT - HOUR) == ""
    for late in (AT, AT + HOUR):
        assert "was retired on 2013-07-01 00:00 UTC" in why_not_signed(signing, b"yes", signature, at=late)


@given(st.tuples(st.text(max_size=9), st.binary(max_size=9)), st.tuples(st.text(max_size=9), st.binary(max_size=9)))
@settings(max_examples=30, deadline=None)
def test_no_two_contents_are_signed_as_the_same_bytes(one: tuple[str, bytes], other: tuple[str, bytes]) -> None:
    assert (pae(*one) == pae(*other)) == (one == other)


def test_an_envelope_is_read_as_it_was_written_and_not_otherwise() -> None:
    envelope = seal(FakeSigning(), "text/plain", b"\x00content")
    line = write_envelope(envelope)
    assert read_envelope(line, "here") == read_envelope(line.encode(), "here") == envelope
    said = json.loads(line)
    more = {**said, "more": 1}
    twice = {**said, "signatures": said["signatures"] * 2}
    for wrong in ("", "[]", "{}", line + " ", json.dumps(more), json.dumps(twice), line.replace("payloadType", "type")):
        with pytest.raises(DataInvalid, match="isn't a signed envelope"):
            read_envelope(wrong, "here")


def test_public_keys_are_read_as_they_were_written() -> None:
    own = PublicKey(key_id=key_id_of(bytes(32)), public=bytes(32), made_at=AT)
    carols = PublicKey(key_id=key_id_of(b"c" * 32), public=b"c" * 32, owner="carol", made_at=AT, retired_at=AT + HOUR)
    assert parse_keys(written_keys([own, carols]).encode(), "here") == (own, carols)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "[]",
        '{"schema_version":2,"keys":[]}',
        '{"schema_version":1,"keys":[{}]}',
        written_keys([PublicKey(key_id="0" * 16, public=bytes(32), made_at=AT)]),
        written_keys([PublicKey(key_id=key_id_of(b""), public=b"", made_at=AT)]),
        written_keys([PublicKey(key_id=key_id_of(bytes(32)), public=bytes(32), made_at=AT.replace(tzinfo=None))]),
        written_keys([PublicKey(key_id=key_id_of(bytes(32)), public=bytes(32), made_at=AT)] * 2),
    ],
)
def test_anything_else_is_no_list_of_public_keys(wrong: str) -> None:
    with pytest.raises(DataInvalid, match="isn't a list of public keys"):
        parse_keys(wrong.encode(), "here")
