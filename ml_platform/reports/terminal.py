"""Verdicts on a terminal: aligned, at most 140 columns wide, readable without colour."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.conditions import is_of_another_task
from ml_platform.policy.controls import CONTROLS
from ml_platform.reports.explanation import explanation, next_step, seen
from ml_platform.reports.outcomes import MARKS, by_stage, tally, word
from ml_platform.reports.plain_text import one_line

WIDTH = 140
LONGEST_GATE = 48
LONGEST_SEEN = 110
GAP = "  "
EXPLAINED = 13
_SHORT = {" on the lower bound": " on low", " on the upper bound": " on high", "holds": "1"}
_WORDS = {Outcome.NOT_APPLICABLE: "n/a"}


def verdict_lines(verdicts: Sequence[Verdict], *, every: bool = False) -> list[str]:
    """Return verdicts as lines: by stage in the order of the flow, closed ones explained, a count at the end.

    Gates on what models of other tasks are measured by share one line per stage, unless `every` one is asked for.
    """
    if not verdicts:
        return ["no gate was judged"]
    stages = by_stage(verdicts)
    columns = _columns([verdict for verdict in verdicts if every or not _of_others(verdict)])
    lines = []
    for stage, found in stages.items():
        lines += [
            f"{one_line(stage, LONGEST_GATE)} · {tally(found)}",
            *(line for verdict in found if every or not _of_others(verdict) for line in _lines(verdict, columns)),
            *([] if every else _others(found)),
            "",
        ]
    return [*lines, tally(verdicts)]


def _of_others(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.NOT_APPLICABLE and is_of_another_task(verdict.reason)


def _others(found: Sequence[Verdict]) -> Iterator[str]:
    count = sum(map(_of_others, found))
    if count:
        gates = "gate" if count == 1 else "gates"
        yield f"- n/a        {count} {gates} of models that predict something else"


@dataclass(frozen=True, slots=True)
class _Columns:
    gate: int
    seen: int

    @property
    def indent(self) -> int:
        return len("✗ undecided") + self.gate + 2 * len(GAP)


def _columns(verdicts: Sequence[Verdict]) -> _Columns:
    """Make the columns as wide as what is in them, unless the last one would be pushed beyond the line."""
    gate = max((len(_gate(verdict)) for verdict in verdicts), default=0)
    columns = _Columns(gate=gate, seen=0)
    lined = [verdict for verdict in verdicts if _needed(verdict)]
    room = min((WIDTH - columns.indent - len(GAP) - len(_needed(verdict)) for verdict in lined), default=0)
    texts = [len(_seen(verdict)) for verdict in lined]
    return _Columns(gate=gate, seen=max((text for text in texts if text <= room), default=0))


def _lines(verdict: Verdict, columns: _Columns) -> Iterator[str]:
    name = _WORDS.get(verdict.outcome, word(verdict.outcome))
    head = f"{MARKS[verdict.outcome]} {name:<9}{GAP}{_gate(verdict):<{columns.gate}}{GAP}"
    text, needed = _seen(verdict), _needed(verdict)
    line = f"{head}{text:<{columns.seen}}{GAP}{needed}"
    if len(line) <= WIDTH:
        yield line.rstrip()
    else:
        yield from _wrapped(text, head, columns.indent)
        if needed:
            yield f"{'':<{columns.indent}}{needed}"
    if verdict.outcome in {Outcome.FAILED, Outcome.UNDECIDED, Outcome.WAIVED}:
        yield from _explained(verdict)


def _explained(verdict: Verdict) -> Iterator[str]:
    control = CONTROLS.get(verdict.control)
    title = f" ({control.title})" if control else ""
    effect = "only warns" if verdict.severity is Severity.WARN else "blocks the path" if verdict.closes else "is open"
    said = {"for": f"{one_line(verdict.control)}{title}; {effect}", "why": one_line(_why(verdict))}
    if not verdict.outcome.opens:
        said["do"] = one_line(next_step(verdict))
    for name, text in said.items():
        if text:
            head = f"{'':<{EXPLAINED}}{name:<4} "
            yield from _wrapped(text, head, len(head))


def _why(verdict: Verdict) -> str:
    """Return what the line above doesn't say, the whole reason where it was too long for it."""
    whole = seen(verdict.worst) if verdict.worst else verdict.reason
    return explanation(verdict) if len(whole) <= LONGEST_SEEN else verdict.reason


def _wrapped(text: str, head: str, indent: int) -> list[str]:
    """Wrap text after a head, keeping `n = 1,000` on one line."""
    kept = text.replace("(n = ", "(n\xa0=\xa0")
    lines = textwrap.wrap(kept, WIDTH, initial_indent=head, subsequent_indent=" " * indent)
    return [line.replace("\xa0", " ") for line in lines]


def _gate(verdict: Verdict) -> str:
    return one_line(verdict.gate, LONGEST_GATE)


def _seen(verdict: Verdict) -> str:
    text = seen(verdict.worst) if verdict.worst else verdict.reason
    if len(text) > LONGEST_SEEN and verdict.worst is not None and verdict.worst.value is None:
        text = seen(replace(verdict.worst, reason="see why"))
    return one_line(text, LONGEST_SEEN)


def _needed(verdict: Verdict) -> str:
    """Return the limit in the few words that a line has room for."""
    if verdict.outcome is Outcome.NOT_APPLICABLE:
        return ""
    limit = verdict.limit.partition(", n ≥")[0]
    for long, short in _SHORT.items():
        limit = limit.replace(long, short)
    return f"needed {one_line(limit, LONGEST_GATE)}"
