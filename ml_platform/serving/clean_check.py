"""Clean check: load and score a model in a process of its own, under limits, before anybody else trusts it.

`python -m ml_platform.serving.clean_check FOLDER DIGEST ROWS.json` prints one JSON object. LightGBM's parser aborts or
hangs on an unsound file; here that ends this process only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ml_platform.core.errors import DataInvalid, PlatformError
from ml_platform.core.scoring import CleanCheck, Score

MEMORY_BYTES = 4 << 30
CPU_SECONDS = 60
WALL_SECONDS = 120.0
TIMED_CALLS = 200

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a clean check may take; a process that takes more is ended."""

    memory_bytes: int = MEMORY_BYTES
    cpu_seconds: int = CPU_SECONDS
    wall_seconds: float = WALL_SECONDS


def check(folder: Path, digest: str, rows: Sequence[Row]) -> CleanCheck:
    """Load an artefact from the store that holds its folder, in this process, and score rows.

    Without rows one all-missing row is timed.
    """
    started = time.perf_counter()
    from ml_platform.adapters.artefacts import FileArtefacts
    from ml_platform.serving.predictor import Predictor

    predictor = Predictor.load(FileArtefacts(folder.parent.parent), digest)
    load_seconds = time.perf_counter() - started
    scores = tuple(predictor.score_rows(rows))
    timed = [[row] for row in rows] or [[dict.fromkeys(column.name for column in predictor.contract.inputs)]]
    return CleanCheck(
        digest=digest,
        scores=scores,
        load_seconds=load_seconds,
        scoring_latency_p99_seconds=_p99(predictor.score_rows, timed),
        timed_calls=TIMED_CALLS,
        peak_memory_bytes=_peak_memory_bytes(),
    )


async def check_in_child(
    folder: Path, digest: str, rows: Sequence[Row] = (), *, limits: Limits = Limits()
) -> CleanCheck:
    """Run the clean check in a child process; raises DataInvalid when the model can't be loaded or scored there."""
    with tempfile.TemporaryDirectory(prefix="ml-platform-") as scratch:
        written = Path(scratch) / "rows.json"
        written.write_bytes(msgspec.json.encode(rows))
        child = await asyncio.create_subprocess_exec(
            *command(folder, digest, written, limits), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            out, err = await asyncio.wait_for(child.communicate(), limits.wall_seconds)
        except TimeoutError as error:
            raise DataInvalid(_failed(folder, f"it took longer than {limits.wall_seconds:g} s")) from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
    return _said(folder, child.returncode or 0, out, err)


def command(folder: Path, digest: str, rows: Path, limits: Limits = Limits()) -> list[str]:
    """Return the command line of a clean check."""
    return [
        sys.executable, "-m", "ml_platform.serving.clean_check", str(folder), digest, str(rows),
        "--memory-bytes", str(limits.memory_bytes), "--cpu-seconds", str(limits.cpu_seconds),
    ]  # fmt: skip


def _said(folder: Path, code: int, out: bytes, err: bytes) -> CleanCheck:
    if code == 0:
        return msgspec.json.decode(out, type=CleanCheck)
    lines = err.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    ended = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
    raise DataInvalid(_failed(folder, f"{ended}: {lines[-1]}"))


def _failed(folder: Path, seen: str) -> str:
    return f"{folder}: the model can't be loaded and scored in a clean process ({seen}); train and release it again"


def _p99(score_rows: Callable[[Sequence[Row]], list[Score]], timed: Sequence[Sequence[Row]]) -> float:
    taken = []
    gc.collect()
    for index in range(TIMED_CALLS):
        row = timed[index % len(timed)]
        before = time.perf_counter()
        score_rows(row)
        taken.append(time.perf_counter() - before)
    return sorted(taken)[int(0.99 * TIMED_CALLS)]


def _peak_memory_bytes() -> int:
    """Return the peak resident memory; Linux' ru_maxrss would count the parent's, from before the exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = status.read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Bound this process's memory and time; where the system knows a limit not, the caller's timeout remains."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the clean check; returns 0 with JSON on standard output, 2 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m ml_platform.serving.clean_check", description=__doc__)
    parser.add_argument("folder", type=Path, help="the model artefact's folder in its store")
    parser.add_argument("digest", help="the digest it has to have")
    parser.add_argument("rows", type=Path, help="a JSON file with a list of rows to score")
    parser.add_argument("--memory-bytes", type=int, default=MEMORY_BYTES)
    parser.add_argument("--cpu-seconds", type=int, default=CPU_SECONDS)
    given = parser.parse_args(arguments)
    _limit(given.memory_bytes, given.cpu_seconds)
    try:
        rows = msgspec.json.decode(given.rows.read_bytes(), type=list[dict[str, object]])
        seen = check(given.folder, given.digest, rows)
    except (PlatformError, OSError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code if isinstance(error, PlatformError) else 2
    sys.stdout.write(msgspec.json.encode(seen).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
