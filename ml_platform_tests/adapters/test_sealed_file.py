from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.adapters.envelope import CHUNK_BYTES, unseal
from ml_platform.adapters.envelope_header import HEADER_BYTES, Place, versions_in
from ml_platform.adapters.sealed_file import SealedReader, SealingWriter, rewrap_file
from ml_platform.core.errors import DataInvalid
from ml_platform.core.keys import Keys
from ml_platform_tests.fakes.keys import FakeKeys

PLACE = Place(name="snapshots/data.parquet", digest="ab" * 32)
SIZES = [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]


@pytest.fixture
def keys() -> Keys:
    return FakeKeys()


def content(size: int) -> bytes:
    return (b"0123456789abcde" * (size // 15 + 1))[:size]


def write(path: Path, keys: Keys, plain: bytes, *, piece: int = 1 << 30) -> SealingWriter:
    with SealingWriter(path) as writer:
        assert writer.writable()
        for at in range(0, len(plain), piece):
            writer.write(plain[at : at + piece])
    writer.close()
    writer.put_header(PLACE, keys)
    return writer


def read(path: Path, keys: Keys) -> bytes:
    with SealedReader(path, PLACE, keys) as reader:
        return reader.read()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_in_pieces_is_read(tmp_path: Path, keys: Keys, size: int) -> None:
    for piece in (1 << 30, 70_001, CHUNK_BYTES):
        path = tmp_path / f"{piece}"
        write(path, keys, content(size), piece=piece)
        assert read(path, keys) == content(size)
        assert unseal(path.read_bytes(), keys=keys, name=PLACE.name, digest=PLACE.digest) == content(size)


def test_the_hash_is_of_the_content(tmp_path: Path, keys: Keys) -> None:
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert write(tmp_path / "x", keys, b"abc").sha256 == known


def test_what_was_not_said_to_be_something_does_not_open(tmp_path: Path, keys: Keys) -> None:
    with SealingWriter(tmp_path / "x") as writer:
        writer.write(b"1")
    with pytest.raises(DataInvalid):
        read(tmp_path / "x", keys)


@settings(max_examples=40)
@given(
    moves=st.lists(
        st.tuples(st.integers(-(1 << 18), 1 << 18), st.sampled_from([0, 1, 2]), st.integers(0, 1 << 17)), max_size=8
    )
)
def test_it_reads_as_a_file_in_memory_does(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, ...]]
) -> None:
    keys, path = FakeKeys(), tmp_path_factory.mktemp("it") / "x"
    plain = content(2 * CHUNK_BYTES + 777)
    write(path, keys, plain)
    memory = io.BytesIO(plain)
    with io.BufferedReader(SealedReader(path, PLACE, keys)) as file:
        for offset, whence, size in moves:
            if whence != 0:
                file.seek(0)
                memory.seek(0)
            wanted = max(0, offset) if whence == 0 else max(0, offset + (len(plain) if whence == 2 else 0))
            assert file.seek(wanted) == memory.seek(wanted)
            assert file.read(size) == memory.read(size)
            assert file.tell() == memory.tell()
        assert file.seek(-10, io.SEEK_END) == memory.seek(-10, io.SEEK_END)
        assert file.seek(4, io.SEEK_CUR) == memory.seek(4, io.SEEK_CUR)
        assert file.read() == memory.read()


def test_a_cut_file_is_refused_when_it_is_opened(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "x"
    write(path, keys, content(2 * CHUNK_BYTES))
    whole = path.read_bytes()
    for cut in (len(whole) - 1, len(whole) - CHUNK_BYTES - 16, HEADER_BYTES + 3, HEADER_BYTES, 3, 0):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataInvalid):
            SealedReader(path, PLACE, keys)


def test_a_table_with_an_altered_chunk_is_refused_with_our_words(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "x"
    sink = io.BytesIO()
    pd.DataFrame({"x": range(60_000)}).to_parquet(sink, compression=None)
    write(path, keys, sink.getvalue())
    with io.BufferedReader(SealedReader(path, PLACE, keys)) as file:
        assert pq.read_table(file).num_rows == 60_000
    altered = bytearray(path.read_bytes())
    altered[HEADER_BYTES + 100] ^= 1
    path.write_bytes(altered)
    with (
        io.BufferedReader(SealedReader(path, PLACE, keys)) as file,
        pytest.raises(DataInvalid, match="isn't what was sealed"),
    ):
        pq.read_table(file)


def test_rewrapping_a_file_leaves_its_content_alone(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "x"
    write(path, keys, b"content")
    before = path.read_bytes()
    assert not rewrap_file(path, PLACE, keys)
    old, new = keys.current(), keys.add()
    assert rewrap_file(path, PLACE, keys)
    assert not rewrap_file(path, PLACE, keys)
    keys.retire(old)
    after = path.read_bytes()
    assert versions_in(after) == (new,)
    assert after[HEADER_BYTES:] == before[HEADER_BYTES:]
    assert read(path, keys) == b"content"
    with pytest.raises(DataInvalid):
        rewrap_file(path, Place(name="other", digest=""), keys)
