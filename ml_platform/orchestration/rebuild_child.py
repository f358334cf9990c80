"""The process in which a version is made again: order and ingredients come in as a stream, a line per stage goes out.

`python -m ml_platform.orchestration.rebuild_child FOLDER`, the stream (tar) on standard input. Whatever is written lies
in FOLDER; the stages' lines in its file `said`, so that what a features module prints is no part of them.
"""

from __future__ import annotations

import datetime as dt
import platform
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.errors import PlatformError
from ml_platform.core.scoring import code_of, shared_module
from ml_platform.learners.lightgbm_native import library
from ml_platform.settings import waiting_policy
from ml_platform.stages.environment import read_cpu, read_environment
from ml_platform.stages.platform_code import platform_digest
from ml_platform.stages.rebuild import About, Bench, Made, Order, rebuild
from ml_platform.stages.recorded_module import import_from

SAID = "said"
ORDER = "order.json"
ROOT = "root"


def main(folder: Path, stream: BinaryIO) -> None:
    """Take the stream in, make everything again and write down what came of it."""
    store, root = FileArtefacts(folder / "home"), folder / ROOT
    root.mkdir()
    try:
        order, code = _take_in(stream, folder, store)
    except (OSError, PlatformError) as error:
        raise SystemExit(str(error)) from error
    import_from({shared_module(file) or str(order.spec["features"]): folder / file for file in code})
    with (folder / SAID).open("xb", buffering=0) as said:
        for line in _lines(order, Bench(store=store, root=root, now=dt.datetime.now(tz=dt.UTC))):
            said.write(msgspec.json.encode(line) + b"\n")


def _lines(order: Order, bench: Bench) -> Iterator[About | Made]:
    library()
    yield About(
        environment=read_environment(bench.root),
        cpu=read_cpu(),
        system=platform.platform(),
        waiting=waiting_policy(),
        platform_digest=platform_digest(),
    )
    yield from rebuild(order, bench)


def _take_in(stream: BinaryIO, folder: Path, store: FileArtefacts) -> tuple[Order, list[str]]:
    """Put artefacts into the store, sealed, and the other files into the folder; return the order and the code."""
    order, code, artefacts = b"", list[str](), dict[tuple[str, str], dict[str, bytes]]()
    with tarfile.open(fileobj=stream, mode="r|") as taken:
        for member in taken:
            file = taken.extractfile(member)
            content = file.read() if file else b""
            match member.name.split("/"):
                case [name] if name == ORDER:
                    order = content
                case [name] if code_of({name: content}):
                    (folder / name).write_bytes(content)
                    code.append(name)
                case [root, name] if root == ROOT:
                    (folder / ROOT / name).write_bytes(content)
                case [kind, digest, name]:
                    artefacts.setdefault((kind, digest), {})[name] = content
                case _:
                    sys.exit(f"{member.name}: it is no part of an order")
    for (kind, digest), files in artefacts.items():
        store.put(kind, digest, files)
    return msgspec.json.decode(order, type=Order), code


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.stdin.buffer)
