from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from ml_platform.adapters.artefacts import DRAFT, DRAFT_LIFETIME_SECONDS, FileArtefacts
from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform_tests.fakes.store import FakeStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ml_platform.core.ports import ArtefactStore, Draft

A, B = "a" * 64, "b" * 64


@pytest.fixture(params=[FileArtefacts, FakeStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtefactStore:
    """The real store and the fake one: whatever holds for the port holds for both."""
    made: ArtefactStore = request.param(tmp_path)
    return made


@pytest.fixture
def files(tmp_path: Path) -> FileArtefacts:
    return FileArtefacts(tmp_path)


def write(draft: Draft, content: bytes) -> None:
    with draft.create("x") as file:
        file.write(content)


def drafts(home: Path) -> list[Path]:
    return list(home.glob(f"*/{DRAFT}*"))


def test_what_was_put_is_read_back(store: ArtefactStore) -> None:
    assert not store.has("kind", A)
    assert store.put("kind", A, {"x.json": b"{}", "y.bin": b"\x00"})
    assert store.has("kind", A)
    assert store.read("kind", A, "y.bin") == b"\x00"
    with store.open("kind", A, "x.json") as file:
        assert file.read() == b"{}"
    assert store.names("kind", A) == ("x.json", "y.bin")
    assert (store.folder("kind", A) / "x.json").is_file()


def test_the_same_digest_again_changes_nothing_and_says_so(store: ArtefactStore) -> None:
    store.put("kind", A, {"x": b"first"})
    assert not store.put("kind", A, {"x": b"second"})
    assert store.read("kind", A, "x") == b"first"


def test_kinds_are_apart(store: ArtefactStore) -> None:
    store.put("one", A, {"x": b"1"})
    assert not store.has("two", A)


def test_a_draft_is_seen_only_once_kept(store: ArtefactStore) -> None:
    with store.draft("kind") as draft:
        write(draft, b"1")
        assert not store.has("kind", A)
        assert draft.keep(A)
    assert store.read("kind", A, "x") == b"1"


def test_a_draft_that_is_not_kept_vanishes(store: ArtefactStore) -> None:
    with store.draft("kind") as draft:
        write(draft, b"1")
    assert not draft.path.exists()  # type: ignore[attr-defined]


def test_a_draft_that_is_interrupted_vanishes(store: ArtefactStore) -> None:
    paths = []
    with contextlib.suppress(KeyboardInterrupt), store.draft("kind") as draft:
        paths.append(draft.path)  # type: ignore[attr-defined]
        raise KeyboardInterrupt
    assert [path.exists() for path in paths] == [False]


def test_of_two_drafts_with_one_digest_the_first_is_kept(store: ArtefactStore) -> None:
    with store.draft("kind") as first, store.draft("kind") as second:
        write(first, b"1")
        write(second, b"2")
        assert first.keep(A)
        assert not second.keep(A)
    assert store.read("kind", A, "x") == b"1"


def test_what_is_gone_is_unavailable(store: ArtefactStore) -> None:
    with pytest.raises(Unavailable):
        store.folder("kind", A)
    with pytest.raises(Unavailable):
        store.read("kind", A, "x")
    store.put("kind", A, {"x": b"1"})
    with pytest.raises(Unavailable):
        store.open("kind", A, "y")
    with pytest.raises(Unavailable):
        store.names("other", A)


def test_an_altered_file_is_refused(files: FileArtefacts) -> None:
    files.put("kind", A, {"x": b"1", "y": b"2"})
    path = files.folder("kind", A) / "x"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    for read in (files.read, files.open):
        with pytest.raises(DataInvalid, match="it isn't what was sealed here"):
            read("kind", A, "x")
    assert files.read("kind", A, "y") == b"2"


def test_an_altered_plain_file_is_refused(files: FileArtefacts) -> None:
    files.put("reports", A, {"x": b"1", "y": b"2"})
    path = files.path("reports", A, "x")
    assert path.read_bytes() == b"1"
    path.write_bytes(b"other")
    for read in (files.read, files.open, files.path):
        with pytest.raises(DataInvalid, match="its content isn't what was stored"):
            read("reports", A, "x")
    assert files.read("reports", A, "y") == b"2"


@pytest.mark.parametrize("kind", ["snapshots", "quarantine", "features", "models", "a_new_kind"])
def test_content_is_on_the_disk_sealed_only(files: FileArtefacts, kind: str) -> None:
    with files.draft(kind) as draft:
        with draft.create("x") as file:
            file.write(b"a secret row")
        assert b"secret" not in (draft.path / "x").read_bytes()
        draft.keep(A)
    files.put(kind, B, {"x": b"a secret row"})
    assert files.read(kind, A, "x") == files.read(kind, B, "x") == b"a secret row"
    for path in files.folder(kind, A).parent.rglob("x"):
        assert b"secret" not in path.read_bytes()
    with pytest.raises(DataInvalid, match="is sealed and has no readable path"):
        files.path(kind, A, "x")


def test_a_sealed_file_opens_nowhere_else(files: FileArtefacts) -> None:
    for kind, digest in (("one", A), ("one", B), ("two", A)):
        files.put(kind, digest, {"x": b"1", "y": b"2"})
    moved = (files.folder("one", A) / "x").read_bytes()
    for kind, digest, name in (("one", B, "x"), ("two", A, "x"), ("one", A, "y")):
        (files.folder(kind, digest) / name).write_bytes(moved)
        with pytest.raises(DataInvalid, match="another file in its place"):
            files.read(kind, digest, name)
    assert files.read("one", A, "x") == b"1"


def test_a_plain_file_of_an_earlier_version_is_refused_with_what_to_do(files: FileArtefacts) -> None:
    files.put("kind", A, {"x": b"1"})
    (files.folder("kind", A) / "x").write_bytes(b"1")
    with pytest.raises(DataInvalid, match=r"plain text.*run `ml-platform keys seal`"):
        files.read("kind", A, "x")


def test_the_keys_of_another_home_open_nothing(tmp_path: Path) -> None:
    FileArtefacts(tmp_path / "one").put("kind", A, {"x": b"1"})
    (tmp_path / "one" / "kind").rename(tmp_path / "kind")
    with pytest.raises(Unavailable, match="keys"):
        FileArtefacts(tmp_path).read("kind", A, "x")


@pytest.mark.parametrize("index", ["", "{}", "[]", '{"files": 3}', '{"files": {}}'])
def test_a_file_without_a_noted_hash_is_refused(files: FileArtefacts, index: str) -> None:
    files.put("kind", A, {"x": b"1"})
    (files.folder("kind", A) / "files.json").write_text(index)
    with pytest.raises(DataInvalid):
        files.read("kind", A, "x")


def test_a_file_added_later_is_refused(files: FileArtefacts) -> None:
    files.put("kind", A, {"x": b"1"})
    (files.folder("kind", A) / "z").write_bytes(b"3")
    with pytest.raises(DataInvalid):
        files.open("kind", A, "z")


@pytest.mark.parametrize("digest", ["", "a", A.upper(), "../" + "a" * 61, A + "\n", "/etc"])
def test_only_a_digest_is_a_place(files: FileArtefacts, digest: str) -> None:
    with pytest.raises(DataInvalid, match="digest is"):
        files.has("kind", digest)
    with files.draft("kind") as draft, pytest.raises(DataInvalid):
        draft.keep(digest)


@pytest.mark.parametrize("kind", ["", "..", "a/b", ".hidden", "Kind"])
def test_only_a_plain_word_is_a_kind(files: FileArtefacts, kind: str) -> None:
    with pytest.raises(DataInvalid, match="kind is"):
        files.put(kind, A, {"x": b""})


@pytest.mark.parametrize("name", ["", "a/b", "..", ".x", "/x"])
def test_only_a_plain_name_is_a_file(files: FileArtefacts, name: str) -> None:
    with pytest.raises(DataInvalid, match="file name is"):
        files.put("kind", A, {name: b""})
    assert not files.has("kind", A)
    assert drafts(files.home) == []


def test_a_home_that_is_a_file_is_said_and_not_overwritten(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("mine")
    store = FileArtefacts(home)
    assert not store.has("kind", A)
    with pytest.raises(Unavailable, match="can't be written"):
        store.put("kind", A, {"x": b"1"})
    assert home.read_text() == "mine"


def test_drafts_of_killed_processes_are_removed_after_an_hour(tmp_path: Path) -> None:
    old, young = tmp_path / "kind" / f"{DRAFT}old", tmp_path / "kind" / f"{DRAFT}young"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "x").write_bytes(b"1")
    past = time.time() - DRAFT_LIFETIME_SECONDS - 1
    os.utime(old, (past, past))
    FileArtefacts(tmp_path)
    assert drafts(tmp_path) == [young]


def test_a_full_disk_leaves_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from ml_platform.adapters.artefacts import FileArtefacts\n"
        "from ml_platform.core.errors import Unavailable\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        f"    FileArtefacts(Path(sys.argv[1])).put('kind', {A!r}, {{'x': b'1', 'y': bytes(200_000)}})\n"
        "except Unavailable as error:\n"
        "    print(error)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    told = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "can't be written (File too large)" in told.stdout
    assert "free space" in told.stdout
    assert list((tmp_path / "kind").iterdir()) == []


WRITER = (
    "import hashlib, itertools, os, sys\n"
    "from pathlib import Path\n"
    "from ml_platform.adapters.artefacts import FileArtefacts\n"
    "store = FileArtefacts(Path(sys.argv[1]))\n"
    "store.put('kind', f'{os.getpid():064x}', {'x': b'', 'y': b''})\n"
    "print('ready', flush=True)\n"
    "for number in itertools.count():\n"
    "    content = os.urandom(50_000)\n"
    "    store.put('kind', hashlib.sha256(content).hexdigest(), {'x': content, 'y': content[::-1]})\n"
)


@pytest.mark.drill
def test_a_writer_killed_in_the_middle_leaves_whole_artefacts_only(
    tmp_path: Path, drill_count: Callable[[int, int], int]
) -> None:
    rounds = drill_count(4, 60)
    for round_number in range(rounds):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.02 + 0.01 * (round_number % 7))
            writer.send_signal(signal.SIGKILL)
    store = FileArtefacts(tmp_path)
    kept = [path for path in (tmp_path / "kind").iterdir() if not path.name.startswith(DRAFT)]
    assert len(kept) >= rounds
    for path in kept:
        content = store.read("kind", path.name, "x")
        assert store.read("kind", path.name, "y") == content[::-1]
        assert not content or digest_of_bytes(content) == path.name


def test_processes_that_write_the_same_at_once_keep_it_once(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from ml_platform.adapters.artefacts import FileArtefacts\n"
        "store = FileArtefacts(Path(sys.argv[1]))\n"
        "print(sum(store.put('kind', f'{n:064x}', {'x': bytes([n])}) for n in range(100)))\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    kept = [int(writer.communicate()[0]) for writer in writers]
    assert sum(kept) == 100
    store = FileArtefacts(tmp_path)
    assert all(store.read("kind", f"{n:064x}", "x") == bytes([n]) for n in range(100))
    assert drafts(tmp_path) == []


def test_digests_of_values_are_places(files: FileArtefacts) -> None:
    assert files.put("kind", digest_of({"a": 1}), {"x": b""})
    assert not files.has("kind", B)
