"""Ed25519 in plain Python: RFC 8032's own vectors, and `cryptography` as the oracle."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.adapters.ed25519 import PrivateKey, holds
from ml_platform.stages.verify_bundle import ORDER, is_signed

# RFC 8032, 7.1: public key, message, signature of tests 1, 2 and 3.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_standard_s_vectors_hold(public: str, message: str, signature: str) -> None:
    key, text, signed = (bytes.fromhex(part) for part in (public, message, signature))
    assert is_signed(key, text, signed)
    assert holds(key, text, signed)
    assert not is_signed(key, text + b"x", signed)
    assert not is_signed(key, text, signed[:-1])
    assert not is_signed(key[:-1], text, signed)
    high = int.from_bytes(signed[32:], "little") + ORDER
    assert not is_signed(key, text, signed[:32] + high.to_bytes(32, "little"))


def test_what_is_no_point_is_no_key() -> None:
    for text in (b"\xff" * 32, (2).to_bytes(32, "little"), (1 | 1 << 255).to_bytes(32, "little")):
        assert not is_signed(text, b"", bytes(64))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.integers(0, 511), st.sampled_from("smk "))
@settings(max_examples=40, deadline=None)
def test_it_says_what_cryptography_says(secret: bytes, message: bytes, bit: int, changed: str) -> None:
    key = PrivateKey.of(secret)
    public, signature, text = key.public, key.sign(message).value, message

    def flip(content: bytes) -> bytes:
        place = bit % (8 * len(content))
        return bytes(each ^ (1 << place % 8 if index == place // 8 else 0) for index, each in enumerate(content))

    match changed:
        case "s":
            signature = flip(signature)
        case "k":
            public = flip(public)
        case "m":
            text = message + b"x"
        case _:
            assert is_signed(public, text, signature)
    assert is_signed(public, text, signature) == holds(public, text, signature)
