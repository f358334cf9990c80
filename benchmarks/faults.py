"""Which faults are found in batches of real data, and how often clean batches are called faulty.

`python benchmarks/faults.py [--quick] [--to docs/benchmarks-faults.md]`. A reference and a batch that share no row are
drawn from a real table, half of the time in the table's row order, half of the time in a random one; the label's name
is given, and in half of the draws the scores of a model that saw neither. Into some batches a fault is planted
(`ml_platform.stages.faults`). A fault counts as detectable when an oracle that knows it exactly has a power of at least
80 % at alpha = 0.01 (`fault_oracle.py`). Intervals are Clopper and Pearson's at 95 %.

Detectors: `ours` is `ml_platform.inspect_batch`; `plain` is what a textbook says (Kolmogorov-Smirnov per number,
chi-squared per column of levels, each at 0.01 divided by the columns; missing columns and other types are found). The
others run in environments of their own (`fault_peers.py`) on the same batches as Parquet files, as their guides show
them; one that raises on a batch has called it faulty.

`--tables` names tables or Parquet files (`PATH` or `PATH:LABEL`). Ends with 1 when ours finds less than 95 % of the
detectable faults or has alarms on more than 1 % of the clean batches.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from fault_cases import About, Case, Field, cases, some
from fault_detectors import DETECTORS, peak_megabytes
from fault_peers import PACKAGES, ask_peer, write_case
from fault_report import Answer, report, summary

from ml_platform.stages.faults.catalogue import FAULTS

ROOT = Path(__file__).resolve().parents[1]
SIZES = (500, 1000, 2000, 5000, 20000, 50000)
QUICK = ("column_dropped", "missing_at_random", "slice_lost")


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=["flights_march", "health_cost", "weather", "flights_year"])
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="rows of a batch")
    parser.add_argument("--clean", type=int, default=300, help="clean batches of each table and size")
    parser.add_argument("--aims", type=int, default=2, help="places for each kind, severity and size")
    parser.add_argument("--kinds", nargs="+", default=list(FAULTS))
    parser.add_argument("--detectors", nargs="+", default=["ours", "plain"], choices=[*DETECTORS])
    parser.add_argument("--peers", nargs="*", default=[], choices=list(PACKAGES), help="ask these too")
    parser.add_argument(
        "--peer-cases", type=int, default=60, help="clean and faulty batches for the peers, each, by size"
    )
    parser.add_argument("--peer-sizes", nargs="+", type=int, default=[1000, 5000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="small counts: that it runs, not what it finds")
    parser.add_argument("--to", type=Path, help="write the report there")
    parser.add_argument("--raw", type=Path, default=ROOT / ".cache" / "benchmarks" / "faults.jsonl")
    parser.add_argument("--faults", type=int, default=0, help="at most so many faulty batches of each table and size")
    parser.add_argument("--report", nargs="+", type=Path, help="measure nothing: report on these files of raw answers")
    given = parser.parse_args()
    if given.report:
        return _report(*_read(given.report), given)
    if given.quick:
        given.tables, given.sizes, given.clean, given.aims, given.kinds = ["weather"], [500], 4, 1, list(QUICK)
    given.raw.parent.mkdir(parents=True, exist_ok=True)
    answers: list[Answer] = []
    peaks: dict[tuple[str, int], float] = {}
    command = _command(sys.argv[1:])
    with given.raw.open("w") as raw:
        raw.write(json.dumps({"command": command}) + "\n")
        for answer in _measured(given, peaks):
            answers.append(answer)
            raw.write(json.dumps(asdict(answer)) + "\n")
            raw.flush()
        for (detector, n), peak in peaks.items():
            raw.write(json.dumps({"detector": detector, "n": n, "peak": peak}) + "\n")
    return _report(answers, peaks, [command], given)


def _command(arguments: list[str]) -> str:
    """Return the command with files by their names: a page is read on other machines."""
    return " ".join(["python benchmarks/faults.py", *(Path(one).name if "/" in one else one for one in arguments)])


def _report(
    answers: list[Answer], peaks: dict[tuple[str, int], float], commands: list[str], given: argparse.Namespace
) -> int:
    text = report(answers, peaks, commands=commands)
    print(text)
    if given.to is not None:
        given.to.write_text(text, encoding="utf-8")
    return summary(answers, "ours") if any(answer.detector == "ours" for answer in answers) else 0


def _read(paths: list[Path]) -> tuple[list[Answer], dict[tuple[str, int], float], list[str]]:
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    answers = [Answer(**line) for line in lines if "alarm" in line]
    peaks = {(line["detector"], line["n"]): line["peak"] for line in lines if "peak" in line}
    return answers, peaks, [line["command"] for line in lines if "command" in line]


def _measured(given: argparse.Namespace, peaks: dict[tuple[str, int], float]) -> Iterator[Answer]:
    for name in given.tables:
        field = Field(name, given.kinds, given.aims, given.seed)
        for n in given.sizes:
            if len(field.table.rows) < 2 * n:
                continue
            made = list(cases(field, name, n, given.clean, given.seed))
            if given.faults:
                made = some(made, clean=given.clean, faulty=given.faults)
            started = time.monotonic()
            yield from _with_progress(ask(field, made, given.detectors), name, n, started)
            field.oracle.remember()
            for detector in given.detectors:
                peak = peak_megabytes(detector, field, n)
                if peak is not None:
                    peaks[detector, n] = max(peak, peaks.get((detector, n), 0.0))
            if given.peers and n in given.peer_sizes:
                asked = some(made, clean=given.peer_cases, faulty=given.peer_cases)
                yield from _of_peers(field, asked, given.peers, peaks)


def ask(field: Field, made: Iterable[Case], detectors: list[str]) -> Iterator[Answer]:
    """Make each batch once, ask every detector, and keep the batch for the peers if they are wanted."""
    for case in made:
        reference, batch, touched = field.frames(case)
        if case.kind and not touched and len(batch) == case.n:
            continue
        about = field.about(case, touched)
        for name in detectors:
            alarm, seconds, said = DETECTORS[name](field, case, reference, batch)
            yield Answer(detector=name, alarm=alarm, seconds=seconds, said=said, **about)


def _of_peers(
    field: Field, made: list[Case], peers: list[str], peaks: dict[tuple[str, int], float]
) -> Iterator[Answer]:
    """Write the cases down and ask each peer about them; its memory is that of its whole process."""
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        about: dict[str, About] = {}
        for case in made:
            reference, batch, touched = field.frames(case)
            if case.kind and not touched and len(batch) == case.n:
                continue
            about[case.name] = field.about(case, touched)
            write_case(Path(scratch) / case.name, reference, batch)
        for peer in peers:
            for said in ask_peer(peer, Path(scratch)):
                its = about[said.case]
                key = (said.detector, its["n"])
                peaks[key] = max(said.peak, peaks.get(key, 0.0))
                yield Answer(detector=said.detector, alarm=said.alarm, seconds=said.seconds, said=said.said, **its)


def _with_progress(answers: Iterator[Answer], name: str, n: int, started: float) -> Iterator[Answer]:
    count = 0
    for answer in answers:
        count += 1
        yield answer
    print(
        f"{Path(name).stem}, n = {n:,}: {count:,} answers in {time.monotonic() - started:.0f} s",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
