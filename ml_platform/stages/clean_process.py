"""Clean process: does the model load and score in a fresh process as it did here, and what does it cost there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ml_platform.core.measurement import Measurement
from ml_platform.core.scoring import CleanCheck, Score, score_difference

MODULE = "ml_platform.serving.clean_check"
WALL_SECONDS = 180.0

Row = Mapping[str, object]


def measure_in_clean_process(
    folder: Path, digest: str, rows: Sequence[Row], expected: Sequence[Score], *, wall_seconds: float = WALL_SECONDS
) -> tuple[Measurement, ...]:
    """Measure loading and scoring of an artefact in a fresh process that bounds its own memory and CPU time.

    A process that crashes, hangs or says nothing sensible is measured as such and never raises.
    """
    seen = run_clean_check(folder, digest, rows, wall_seconds=wall_seconds)
    if isinstance(seen, str):
        return (
            Measurement(metric="loads_in_clean_process", value=0.0, n=1, unit="fact", facts={"reason": seen}),
            Measurement(metric="clean_scores_equal", value=None, n=0, reason=seen),
            Measurement(metric="scoring_latency_p99_seconds", value=None, n=0, unit="seconds", reason=seen),
            Measurement(metric="peak_memory_bytes", value=None, n=0, unit="bytes", reason=seen),
        )
    loads = Measurement(
        metric="loads_in_clean_process",
        value=float(seen.digest == digest),
        n=1,
        unit="fact",
        facts={"load_seconds": seen.load_seconds},
    )
    latency = Measurement(
        metric="scoring_latency_p99_seconds", value=seen.scoring_latency_p99_seconds, n=seen.timed_calls, unit="seconds"
    )
    memory = Measurement(metric="peak_memory_bytes", value=seen.peak_memory_bytes, n=1, unit="bytes")
    return loads, _scores_equal(seen.scores, expected), latency, memory


def run_clean_check(folder: Path, digest: str, rows: Sequence[Row], *, wall_seconds: float) -> CleanCheck | str:
    """Run the service's clean check as a child process; return what it said, or why it said nothing."""
    with tempfile.TemporaryDirectory(prefix="ml-platform-") as scratch:
        written = Path(scratch) / "rows.json"
        written.write_bytes(msgspec.json.encode(rows))
        command = [sys.executable, "-m", MODULE, str(folder.absolute()), digest, str(written)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=wall_seconds, check=False)
        except subprocess.TimeoutExpired:
            return f"the fresh process took longer than {wall_seconds:g} s"
        except OSError as error:
            return f"a fresh process couldn't be started ({error.strerror})"
    if done.returncode != 0:
        ended = f"was ended by signal {-done.returncode}" if done.returncode < 0 else f"ended with {done.returncode}"
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return f"the fresh process {ended}: {said[-1] if said else 'it said nothing'}"
    try:
        return msgspec.json.decode(done.stdout, type=CleanCheck)
    except msgspec.MsgspecError as error:
        return f"the fresh process said something else than it should ({error})"


def _scores_equal(scores: Sequence[Score], expected: Sequence[Score]) -> Measurement:
    if len(scores) != len(expected) or not scores:
        reason = f"{len(expected)} rows got {len(scores)} scores"
        return Measurement(metric="clean_scores_equal", value=None, n=0, reason=reason)
    largest = max(score_difference(clean, own) for clean, own in zip(scores, expected, strict=True))
    return Measurement(metric="clean_scores_equal", value=largest, n=len(scores))
