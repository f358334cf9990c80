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
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from fault_oracle import Oracle, draw
from fault_peers import PACKAGES, ask_peer, write_case
from fault_report import report, summary
from fault_tables import Table, load_table
from scipy import stats

from ml_platform.stages.faults.catalogue import FAULTS
from ml_platform.stages.faults.fault import Aim, Scene, Severity
from ml_platform.stages.faults.inject import inject

ROOT = Path(__file__).resolve().parents[1]
SIZES = (500, 1000, 2000, 5000, 20000, 50000)
REFERENCES = (1, 4)
MOST_REFERENCE = 50_000
QUICK = ("column_dropped", "missing_at_random", "slice_lost")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One batch: how it is drawn and, unless it is clean, what is planted into it."""

    table: str
    n: int
    m: int
    seed: int
    in_order: bool
    scored: bool
    kind: str = ""
    severity: str = ""
    aim: int = 0

    @property
    def name(self) -> str:
        """Return a name for files."""
        return f"{Path(self.table).stem}-{self.n}-{self.seed}-{self.kind or 'clean'}-{self.severity}-{self.aim}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a detector said of a case; `power` is the oracle's, None for a clean batch."""

    detector: str
    table: str
    n: int
    m: int
    kind: str
    severity: str
    columns: str
    power: float | None
    rows_touched: int
    alarm: bool
    seconds: float
    said: str = ""


class Field:
    """One table with its oracle and the places that faults are aimed at, the same for every size of batch."""

    def __init__(self, name: str, kinds: list[str], aims: int, seed: int) -> None:
        self.table: Table = load_table(name)
        self.oracle = Oracle(self.table, seed=seed)
        scene = Scene.of(self.oracle.parts["fit"], target=self.table.target)
        self.aims: dict[str, list[Aim]] = {}
        for kind in kinds:
            places = FAULTS[kind].aims(scene, np.random.default_rng([seed, 2]))
            order = [places[place] for place in np.random.default_rng([seed, 1]).permutation(len(places))]
            self.aims[kind] = [aim for aim in order[: 4 * aims] if self._changes(kind, aim, scene)][:aims]
        self.scene = scene

    def _changes(self, kind: str, aim: Aim, scene: Scene) -> bool:
        rows = self.oracle.parts["measure"][:500]
        rng = np.random.default_rng(1)
        return inject(rows, kind, severity=Severity.LARGE, rng=rng, scene=scene, aim=aim).rows_touched > 0

    def frames(self, case: Case) -> tuple[pd.DataFrame, pd.DataFrame, int]:
        """Return reference, batch and how many rows the fault touched."""
        rng = np.random.default_rng([case.seed, case.n])
        reference, batch = draw(self.table.rows, n=case.n, m=case.m, rng=rng, in_order=case.in_order)
        if not case.kind:
            return reference, batch, 0
        aim = self.aims[case.kind][case.aim]
        scene = Scene.of(reference, target=self.table.target)
        made = inject(batch, case.kind, severity=Severity(case.severity), rng=rng, scene=scene, aim=aim)
        return reference, made.frame, made.rows_touched

    def about(self, case: Case, touched: int) -> dict[str, object]:
        """Return what every detector's answer says of the case."""
        return {
            "table": self.table.name, "n": case.n, "m": case.m, "kind": case.kind, "severity": case.severity,
            "power": self.power(case), "rows_touched": touched,
            "columns": ",".join(self.aims[case.kind][case.aim].columns) if case.kind else "",
        }  # fmt: skip

    def power(self, case: Case) -> float | None:
        """Return the oracle's power for a case, None for a clean one."""
        if not case.kind:
            return None
        aim = self.aims[case.kind][case.aim]
        severity = Severity(case.severity)
        return self.oracle.power(self.scene, case.kind, severity, aim, n=case.n, m=case.m, in_order=case.in_order)


def cases(field: Field, name: str, n: int, clean: int, seed: int) -> Iterator[Case]:
    """Say which batches are made of a table at a size: the clean ones, then every kind at every severity."""
    numbers = np.random.default_rng([seed, n]).integers(1, 2**31, 1_000_000)
    kinds = [
        (kind, severity.value, place)
        for kind, aims in field.aims.items()
        for severity in Severity
        for place in range(len(aims))
    ]
    for place, (kind, severity, aim) in enumerate([("", "", 0)] * clean + kinds):
        m = min(n * REFERENCES[place % 2], MOST_REFERENCE, len(field.table.rows) - n)
        yield Case(
            table=name, n=n, m=m, seed=int(numbers[place]), in_order=place // 2 % 2 == 0, scored=place // 4 % 2 == 0,
            kind=kind, severity=severity, aim=aim,
        )  # fmt: skip


def ours(field: Field, case: Case, reference: pd.DataFrame, batch: pd.DataFrame) -> tuple[bool, float, str]:
    """Ask `inspect_batch`."""
    inspect_batch = importlib.import_module("ml_platform").inspect_batch
    scores = (field.table.scores(reference), field.table.scores(batch)) if case.scored else None
    before = time.process_time()
    found = inspect_batch(reference, batch, target=field.table.target, scores=scores)
    seconds = time.process_time() - before
    said = "; ".join(f"{one.kind}({','.join(map(str, one.columns))})" for one in found.findings[:5])
    return not found.passed, seconds, said


def plain(_field: Field, _case: Case, reference: pd.DataFrame, batch: pd.DataFrame) -> tuple[bool, float, str]:
    """Test each column on its own, as textbooks say."""
    before = time.process_time()
    said = [name for name in reference.columns if name not in batch.columns]
    for name in reference.columns.intersection(batch.columns):
        old, new = reference[name], batch[name]
        retyped = pd.api.types.is_numeric_dtype(old.dtype) != pd.api.types.is_numeric_dtype(new.dtype)
        if retyped or _p_value(old, new) < 0.01 / len(reference.columns):
            said.append(name)
    return bool(said), time.process_time() - before, "; ".join(map(str, said[:5]))


def _p_value(old: pd.Series, new: pd.Series) -> float:
    types = pd.api.types
    if types.is_datetime64_any_dtype(old.dtype) and types.is_datetime64_any_dtype(new.dtype):
        old, new = old.astype("int64"), new.astype("int64")
    if types.is_numeric_dtype(old.dtype) and not types.is_bool_dtype(old.dtype):
        pair = [values.dropna().to_numpy(dtype=float) for values in (old, new)]
        return float(stats.ks_2samp(*pair, method="asymp").pvalue) if all(len(one) for one in pair) else 0.0
    counts = pd.DataFrame({"old": old.astype(str).value_counts(), "new": new.astype(str).value_counts()}).fillna(0)
    return float(stats.chi2_contingency(counts.to_numpy()).pvalue) if len(counts) > 1 else 1.0


DETECTORS = {"ours": ours, "plain": plain}


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


def peak_megabytes(name: str, field: Field, n: int) -> float | None:
    """Return the megabytes a call takes on top of the data, in a child process; None where the table is too small."""
    import multiprocessing

    if len(field.table.rows) < 2 * n:
        return None
    case = Case(table="", n=n, m=n, seed=7, in_order=True, scored=False)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_peak, (name, field, case))


def _peak(name: str, field: Field, case: Case) -> float:
    reference, batch, _ = field.frames(case)
    small = Case(table="", n=200, m=200, seed=7, in_order=True, scored=False)
    DETECTORS[name](field, small, reference[:200], batch[:200])  # whatever it imports isn't what a call takes
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    DETECTORS[name](field, case, reference, batch)
    return (_status("VmHWM") - before) / 1024


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


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
                made = _some(made, clean=given.clean, faulty=given.faults)
            started = time.monotonic()
            yield from _with_progress(ask(field, made, given.detectors), name, n, started)
            field.oracle.remember()
            for detector in given.detectors:
                peak = peak_megabytes(detector, field, n)
                if peak is not None:
                    peaks[detector, n] = max(peak, peaks.get((detector, n), 0.0))
            if given.peers and n in given.peer_sizes:
                yield from _of_peers(field, _some(made, clean=given.peer_cases, faulty=given.peer_cases), given.peers)


def _some(made: list[Case], *, clean: int, faulty: int) -> list[Case]:
    """Pick clean and faulty cases by chance, always the same ones."""
    rng = np.random.default_rng(3)
    found: list[Case] = []
    for group, most in (
        ([case for case in made if not case.kind], clean),
        ([case for case in made if case.kind], faulty),
    ):
        found += [group[place] for place in np.sort(rng.permutation(len(group))[:most])]
    return found


def _of_peers(field: Field, made: list[Case], peers: list[str]) -> Iterator[Answer]:
    """Write the cases down and ask each peer about them."""
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        about = {}
        for case in made:
            reference, batch, touched = field.frames(case)
            if case.kind and not touched and len(batch) == case.n:
                continue
            about[case.name] = field.about(case, touched)
            write_case(Path(scratch) / case.name, reference, batch)
        for peer in peers:
            for said in ask_peer(peer, Path(scratch)):
                yield Answer(
                    detector=said.detector, alarm=said.alarm, seconds=said.seconds, said=said.said, **about[said.case]
                )  # fmt: skip


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
