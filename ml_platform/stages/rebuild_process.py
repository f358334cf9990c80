"""Rebuild process: a fresh child process that makes a version again in a scratch folder, which vanishes with it."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import msgspec

from ml_platform.core.errors import Unavailable
from ml_platform.settings import environment_of_child
from ml_platform.stages.rebuild import About, Made, Order

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore

MODULE = "ml_platform.orchestration.rebuild_child"
WALL_SECONDS = 4 * 3600.0
# The code comes first, whatever else is on the path: run as `-m` the working directory would.
_START = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module({!r}, run_name='__main__')"
_LAST_LINES = 3

Artefact = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kitchen:
    """What a child works with: interpreter, the platform's code by path (none: this one), changes of its environment.

    `code` is that of the features, named as in a model artefact; `lock` are the recorded files that name the
    environment; `artefacts` what the child needs of the store, by kind and digest.
    """

    code: Mapping[str, bytes]
    python: str = sys.executable
    platform: Mapping[str, bytes] | None = None
    lock: Mapping[str, bytes] = field(default_factory=dict)
    artefacts: tuple[Artefact, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a child said: where it worked, each stage, and how it ended if it didn't end well."""

    about: About | None
    made: tuple[Made, ...]
    ended: str = ""


def run_rebuild(order: Order, kitchen: Kitchen, *, store: ArtefactStore, wall_seconds: float = WALL_SECONDS) -> Heard:
    """Make everything again in a fresh process and return what it said; one that crashes or hangs is heard as such.

    The child reads nothing of the store itself: what it needs is streamed to it and sealed again with keys that vanish.
    """
    with _scratch() as folder:
        code = _lay_out(folder / "code", kitchen.platform)
        command = [kitchen.python, "-c", _START.format(MODULE), str(code), str(folder)]
        variables = environment_of_child(folder / "home", kitchen.variables)
        ended = _run(command, variables, ingredients(order, kitchen, store), folder / "errors", wall_seconds)
        return listen(folder / "said", ended)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Give a folder that vanishes, whatever happens; Unavailable when it can't be written."""
    try:
        with tempfile.TemporaryDirectory(prefix="ml-platform-") as folder:
            yield Path(folder)
    except OSError as error:
        raise Unavailable(
            f"{error.filename or tempfile.gettempdir()}: can't be written ({error.strerror}); a version is made again "
            "in a folder there, which has vanished; free space, or name another folder as TMPDIR"
        ) from error


def _lay_out(folder: Path, files: Mapping[str, bytes] | None) -> Path:
    """Write the recorded code of the platform; without any the child runs this one."""
    if files is None:
        return Path(__file__).parents[2]
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _run(
    command: list[str], variables: Mapping[str, str], stream: Iterator[tuple[str, bytes]], errors: Path, seconds: float
) -> str:
    """Run a child to its end and return how it ended; empty when it ended well."""
    with errors.open("w+b") as said:
        try:
            child = subprocess.Popen(
                command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said
            )
        except OSError as error:
            return f"a fresh process couldn't be started ({error.strerror})"
        with child:
            try:
                _feed(cast("IO[bytes]", child.stdin), stream)
                code = child.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                return f"the fresh process took longer than {seconds:g} s"
            except BaseException:
                child.kill()
                raise
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    if code == 0:
        return ""
    how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
    return f"the fresh process {how}: {' / '.join(lines[-_LAST_LINES:]) or 'it said nothing'}"


def _feed(pipe: IO[bytes], stream: Iterator[tuple[str, bytes]]) -> None:
    """Stream files to a child; one that doesn't listen any more is judged by how it ends."""
    with contextlib.suppress(BrokenPipeError), pipe:
        send(stream, pipe)


def send(files: Iterator[tuple[str, bytes]], pipe: IO[bytes]) -> None:
    """Write files by name as the stream that a child takes in."""
    with tarfile.open(fileobj=pipe, mode="w|") as sent:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            sent.addfile(entry, io.BytesIO(content))


def ingredients(order: Order, kitchen: Kitchen, store: ArtefactStore) -> Iterator[tuple[str, bytes]]:
    """Yield what a child needs, by name: the order first, then the features' code, the lock and the artefacts."""
    yield "order.json", msgspec.json.encode(order)
    yield from kitchen.code.items()
    yield from ((f"root/{name}", content) for name, content in kitchen.lock.items())
    for kind, digest in kitchen.artefacts:
        for name in store.names(kind, digest):
            yield f"{kind}/{digest}/{name}", store.read(kind, digest, name)


def listen(said: Path, ended: str = "") -> Heard:
    """Return what a child wrote down; Unavailable when it is nothing that this version of the platform knows."""
    try:
        first, *others = said.read_bytes().splitlines() if said.exists() else [b"null"]
        about = msgspec.json.decode(first, type=About | None)
        made = tuple(msgspec.json.decode(line, type=Made) for line in others)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Unavailable(
            f"the fresh process said something else than it should ({error}); its code is of another version; "
            "update the platform"
        ) from error
    return Heard(about=about, made=made, ended=ended)
