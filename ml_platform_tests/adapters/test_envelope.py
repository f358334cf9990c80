from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.adapters.envelope import CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES, rewrapped, seal, unseal
from ml_platform.adapters.envelope_header import HEADER_BYTES, MAGIC, SLOT_BYTES, Place, rewrap, versions_in
from ml_platform.adapters.keys import FileKeys
from ml_platform.core.errors import DataInvalid, PlatformError, Unavailable
from ml_platform.core.keys import Keys
from ml_platform_tests.fakes.keys import FakeKeys

NAME = "snapshots/data.parquet"
DIGEST = "ab" * 32
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5]


@pytest.fixture
def keys() -> Keys:
    return FakeKeys()


def content(size: int) -> bytes:
    return (b"0123456789abcde" * (size // 15 + 1))[:size]


def sealed_by(keys: Keys, plain: bytes = b"a secret row") -> bytes:
    return seal(plain, keys=keys, name=NAME, digest=DIGEST)


def opened(sealed: bytes, keys: Keys, *, name: str = NAME, digest: str = DIGEST) -> bytes:
    return unseal(sealed, keys=keys, name=name, digest=digest)


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_is_opened(keys: Keys, size: int) -> None:
    sealed = sealed_by(keys, content(size))
    assert opened(sealed, keys) == content(size)
    assert len(sealed) == HEADER_BYTES + size + TAG_BYTES * max(1, -(-size // CHUNK_BYTES))


def test_nothing_of_the_content_can_be_read(keys: Keys) -> None:
    sealed = sealed_by(keys)
    assert b"secret" not in sealed
    assert sealed_by(keys)[HEADER_BYTES:] != sealed[HEADER_BYTES:]


def test_files_of_another_process_are_opened(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    assert opened(sealed_by(FileKeys(home)), FileKeys(home)) == b"a secret row"


@settings(max_examples=60)
@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_is_refused_or_in_unused_space(at: int, bit: int) -> None:
    keys = FakeKeys()
    sealed = bytearray(sealed_by(keys))
    at %= len(sealed)
    used = HEADER_BYTES - 2 * SLOT_BYTES + 22 + len(keys.wrap(bytes(32), version=keys.current(), context=b""))
    sealed[at] ^= 1 << bit
    if used <= at < HEADER_BYTES:
        assert opened(bytes(sealed), keys) == b"a secret row"
        return
    with pytest.raises(DataInvalid):
        opened(bytes(sealed), keys)


@pytest.mark.parametrize("size", [0, 7, CHUNK_BYTES, 2 * CHUNK_BYTES + 5])
def test_a_cut_file_is_refused(keys: Keys, size: int) -> None:
    sealed = sealed_by(keys, content(size))
    chunks = range(HEADER_BYTES, len(sealed), SEALED_CHUNK_BYTES)
    for cut in {len(MAGIC), HEADER_BYTES - 1, *chunks, *(each + TAG_BYTES - 1 for each in chunks), len(sealed) - 1}:
        with pytest.raises(DataInvalid):
            opened(sealed[:cut], keys)


def test_a_longer_file_is_refused(keys: Keys) -> None:
    sealed = sealed_by(keys, content(CHUNK_BYTES))
    for more in (b"x", bytes(TAG_BYTES), sealed[HEADER_BYTES:]):
        with pytest.raises(DataInvalid):
            opened(sealed + more, keys)


def test_chunks_in_another_order_are_refused(keys: Keys) -> None:
    sealed = sealed_by(keys, content(3 * CHUNK_BYTES))
    head, body = sealed[:HEADER_BYTES], sealed[HEADER_BYTES:]
    first, second, third = (body[at : at + SEALED_CHUNK_BYTES] for at in range(0, len(body), SEALED_CHUNK_BYTES))
    for order in ((second, first, third), (first, first, third), (first, third), (first, second)):
        with pytest.raises(DataInvalid):
            opened(head + b"".join(order), keys)


def test_another_place_is_refused(keys: Keys) -> None:
    sealed = sealed_by(keys)
    for name, digest in (("models/model.txt", DIGEST), (NAME, "cd" * 32), (NAME + "\n" + DIGEST, "")):
        with pytest.raises(DataInvalid, match="another file in its place"):
            opened(sealed, keys, name=name, digest=digest)


def test_the_header_of_another_file_is_refused(keys: Keys) -> None:
    one, other = sealed_by(keys), sealed_by(keys)
    with pytest.raises(DataInvalid):
        opened(one[:HEADER_BYTES] + other[HEADER_BYTES:], keys)


@pytest.mark.parametrize("plain", [b"", b"PAR1 plain rows", b"x" * 2000])
def test_plain_content_is_refused_with_what_to_do(keys: Keys, plain: bytes) -> None:
    with pytest.raises(DataInvalid, match=r"plain text.*ml-platform keys seal"):
        opened(plain, keys)


def test_a_later_form_is_said(keys: Keys) -> None:
    with pytest.raises(DataInvalid, match=r"sealed in form 02.*knows form 01"):
        opened(MAGIC[:-1] + b"\x02" + sealed_by(keys)[len(MAGIC) :], keys)


def test_the_keys_of_another_home_open_nothing(keys: Keys) -> None:
    with pytest.raises(PlatformError):
        opened(sealed_by(keys), FakeKeys())


def test_a_lost_key_is_no_altered_file(keys: Keys) -> None:
    sealed = sealed_by(keys)
    old = keys.current()
    keys.add()
    keys.retire(old)
    with pytest.raises(Unavailable, match=r"snapshots/data\.parquet of abababababab: "):
        opened(sealed, keys)


def test_an_error_tells_no_content(keys: Keys) -> None:
    with pytest.raises(DataInvalid) as caught:
        opened(b"a secret row", keys)
    assert "secret" not in str(caught.value)


def test_rewrapping_changes_the_key_and_not_the_content(keys: Keys) -> None:
    sealed = sealed_by(keys)
    old, new = keys.current(), keys.add()
    again = rewrapped(sealed, keys=keys, name=NAME, digest=DIGEST)
    assert again[HEADER_BYTES:] == sealed[HEADER_BYTES:]
    assert (versions_in(sealed), versions_in(again)) == ((old,), (new,))
    keys.retire(old)
    assert opened(again, keys) == b"a secret row"
    assert rewrapped(again, keys=keys, name=NAME, digest=DIGEST) == again


def test_every_half_written_header_opens(keys: Keys) -> None:
    sealed, place = sealed_by(keys), Place(name=NAME, digest=DIGEST)
    before, body = sealed[:HEADER_BYTES], sealed[HEADER_BYTES:]
    for _ in range(3):
        keys.add()
        added, alone = rewrap(before, place, keys)
        for at in range(0, HEADER_BYTES + 1, 3):
            assert opened(added[:at] + before[at:] + body, keys) == b"a secret row"
            assert opened(alone[:at] + added[at:] + body, keys) == b"a secret row"
            half = rewrap(added[:at] + before[at:], place, keys)[1]
            assert versions_in(half) == (keys.current(),)
        assert len(versions_in(added)) == 2
        before = alone


def test_two_old_slots_give_way_to_the_current_one(keys: Keys) -> None:
    sealed, place = sealed_by(keys), Place(name=NAME, digest=DIGEST)
    keys.add()
    added, _ = rewrap(sealed[:HEADER_BYTES], place, keys)
    newest = keys.add()
    assert versions_in(rewrap(added, place, keys)[1]) == (newest,)


def test_bytes_that_are_no_header_name_no_version() -> None:
    assert versions_in(b"PAR1") == ()
    assert versions_in(MAGIC) == ()
