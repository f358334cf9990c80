"""The report of the fault benchmark: false alarms, what was found of the detectable, what slipped through, the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from scipy import stats

DETECTABLE = 0.8
MOST_FALSE_ALARMS = 0.01
LEAST_FOUND = 0.95


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


def interval(found: int, of: int) -> tuple[float, float]:
    """Return Clopper and Pearson's 95 % interval of a share.

    >>> [round(bound, 3) for bound in interval(0, 300)]
    [0.0, 0.012]
    """
    low = 0.0 if found == 0 else float(stats.beta.ppf(0.025, found, of - found + 1))
    high = 1.0 if found == of else float(stats.beta.ppf(0.975, found + 1, of - found))
    return low, high


def share(answers: Sequence[Answer]) -> str:
    """Say how many of the answers are alarms, with the interval."""
    if not answers:
        return "–"
    found, of = sum(answer.alarm for answer in answers), len(answers)
    low, high = interval(found, of)
    return f"{found / of:.1%} ({found:,} of {of:,}; {low:.1%}–{high:.1%})"


def clean(answers: Iterable[Answer]) -> list[Answer]:
    """Return the answers on clean batches."""
    return [answer for answer in answers if not answer.kind]


def detectable(answers: Iterable[Answer]) -> list[Answer]:
    """Return the answers on faults that the oracle finds with a power of at least 80 %."""
    return [answer for answer in answers if answer.power is not None and answer.power >= DETECTABLE]


def undetectable(answers: Iterable[Answer]) -> list[Answer]:
    """Return the answers on faults that the oracle misses more often than one in five times."""
    return [answer for answer in answers if answer.power is not None and answer.power < DETECTABLE]


def report(answers: Sequence[Answer], peaks: dict[tuple[str, int], float], *, commands: Sequence[str]) -> str:
    """Write everything as Markdown."""
    names = list(dict.fromkeys(answer.detector for answer in answers))
    by = {name: [answer for answer in answers if answer.detector == name] for name in names}
    sizes = sorted({answer.n for answer in answers})
    tables = ", ".join(dict.fromkeys(answer.table for answer in answers))
    parts = [
        "# Which faults are found in real data",
        _said(tables),
        "```sh\n" + "\n".join(commands) + "\n```",
        "## Over all",
        _table(
            ["Detector", "False alarms on clean batches", "Found of the detectable faults", "Alarms on the others"],
            [
                [name, share(clean(by[name])), share(detectable(by[name])), share(undetectable(by[name]))]
                for name in names
            ],
        ),
        "## False alarms by the size of the batch",
        _by(names, sizes, by, lambda found, n: share([one for one in clean(found) if one.n == n])),
        *_false_alarms(clean(by.get("ours", []))),
        "## Found of the detectable faults by the size of the batch",
        _by(names, sizes, by, lambda found, n: share([one for one in detectable(found) if one.n == n])),
        "## Found of the detectable faults by kind",
        _table(["Kind", *names], _kinds(answers, names, by)),
        "## CPU seconds for a batch, median and largest; memory on top of the data, a peer's of its whole process",
        _by(names, sizes, by, lambda found, n: _cost(found, n, peaks)),
    ]
    return "\n\n".join(parts) + "\n"


def _said(tables: str) -> str:
    return (
        "Written by the benchmark. How batches are drawn and faults planted stands in `benchmarks/faults.py`, "
        "when a fault counts as detectable in `benchmarks/fault_oracle.py`; the kinds are [those that the product can "
        "plant](faults.md). `ours` is the batch inspection with the platform's own limits, `plain` a textbook's tests. "
        "A row counts the batches that its detector was asked about; the peers were asked about fewer. "
        f"Shares have intervals at 95 %. Tables: {tables.replace('_', ' ')}."
    )


def _false_alarms(answers: Sequence[Answer]) -> list[str]:
    """Say what ours said of clean batches, and how often."""
    said: dict[tuple[str, str], int] = {}
    for answer in answers:
        if answer.alarm:
            key = (f"{answer.table.replace('_', ' ')}, n = {answer.n:,}", answer.said)
            said[key] = said.get(key, 0) + 1
    if not said:
        return []
    known = (
        "Clean means that nothing was planted; what the source itself holds stays in. The weather has one wind speed "
        "of 1,048 mph, which no wind has: a batch that holds that row is called faulty by rights, and is counted here."
    )
    rows = [[where, what.replace("|", "/"), f"{count:,}"] for (where, what), count in said.items()]
    about = [known] if any(answer.alarm and answer.table == "weather" for answer in answers) else []
    return ["### What ours said of clean batches", _table(["Batch", "Finding", "Batches"], rows), *about]


def _kinds(answers: Sequence[Answer], names: Sequence[str], by: dict[str, list[Answer]]) -> list[list[str]]:
    kinds = dict.fromkeys(answer.kind for answer in detectable(answers))
    return [
        [kind.replace("_", " "), *(_short([one for one in detectable(by[name]) if one.kind == kind]) for name in names)]
        for kind in kinds
    ]


def _short(answers: Sequence[Answer]) -> str:
    return f"{sum(answer.alarm for answer in answers)} of {len(answers)}" if answers else "–"


def _cost(answers: Sequence[Answer], n: int, peaks: dict[tuple[str, int], float]) -> str:
    seconds = sorted(answer.seconds for answer in answers if answer.n == n)
    if not seconds:
        return "–"
    peak = peaks.get((answers[0].detector, n))
    memory = "" if peak is None else f"; {peak:,.0f} MB"
    return f"{seconds[len(seconds) // 2]:.2f} / {seconds[-1]:.2f} s{memory}"


def _by(
    names: Sequence[str], sizes: Sequence[int], by: dict[str, list[Answer]], say: Callable[[list[Answer], int], str]
) -> str:
    return _table(
        ["Detector", *(f"n = {n:,}" for n in sizes)], [[name, *(say(by[name], n) for n in sizes)] for name in names]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def summary(answers: Sequence[Answer], name: str) -> int:
    """Return 0 when a detector found enough with few enough false alarms, else 1; say what slipped through."""
    mine = [answer for answer in answers if answer.detector == name]
    quiet, loud = clean(mine), detectable(mine)
    for answer in loud:
        if not answer.alarm:
            where = f"{answer.columns or 'whole rows'} ({answer.table}, n = {answer.n:,}, power {answer.power:.2f})"
            print(f"missed: {answer.kind} {answer.severity} in {where}")
    for answer in quiet:
        if answer.alarm:
            print(f"false alarm: {answer.table}, n = {answer.n:,}: {answer.said}")
    if not quiet or not loud:
        return 1
    found = sum(answer.alarm for answer in loud) / len(loud)
    false = sum(answer.alarm for answer in quiet) / len(quiet)
    kept = found >= LEAST_FOUND and false <= MOST_FALSE_ALARMS
    limits = f"at least {LEAST_FOUND:.0%}, false alarms {false:.1%}, at most {MOST_FALSE_ALARMS:.0%}"
    print(f"{name}: found {found:.1%}, {limits}: {'kept' if kept else 'BROKEN'}")
    return int(not kept)
