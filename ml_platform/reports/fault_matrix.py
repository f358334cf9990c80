"""The fault matrix: which planted faults are caught at which size, by what, and which line would catch the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ml_platform.core.fault_trial import SEVERITIES, FaultTrial, caught_share
from ml_platform.reports.markdown import table

CAUGHT, WARNED, SLIPPED, ABSENT = "✓", "!", "✗", "-"
MOST_NAMED = 3
MOST_COLUMNS = 2


def matrix_lines(trials: Sequence[FaultTrial]) -> list[str]:
    """Return the matrix for a terminal: a line for each kind, then what slipped through and what would catch it."""
    kinds = _by_kind(trials)
    wide = max((len(kind) for kind in kinds), default=0)
    lines = [f"{'':<{wide}}  {'  '.join(SEVERITIES)}"]
    for kind, found in kinds.items():
        marks = "  ".join(f"{_mark(found.get(size)):^{len(size)}}" for size in SEVERITIES)
        lines.append(f"{kind:<{wide}}  {marks}  {_catchers(list(found.values()))}".rstrip())
    lines += ["", f"{CAUGHT} stopped   {WARNED} only warned of   {SLIPPED} slipped through   {ABSENT} no place for it"]
    shut = list(dict.fromkeys(name for trial in trials for name in trial.closed_anyway))
    if shut:
        lines += ["", f"closed without any fault, so that {_they(shut)} show none: {', '.join(shut)}"]
        lines += ["  repair the rows or the limit first: what only these gates would catch counts as slipped through"]
    slipped = [trial for trial in trials if not trial.stopped]
    if slipped:
        lines += ["", "what would stop the others:", *_remedies(slipped)]
    return [*lines, "", caught_text(trials)]


def _they(names: Sequence[str]) -> str:
    return "it can" if len(names) == 1 else "they can"


def matrix_table(trials: Sequence[FaultTrial]) -> str:
    """Return the matrix as a Markdown table."""
    rows = [
        (kind, *(_mark(found.get(size)) for size in SEVERITIES), _catchers(list(found.values())), _lines_of(found))
        for kind, found in _by_kind(trials).items()
    ]
    return table(("fault", *SEVERITIES, "caught by", "a line that would stop it"), rows)


def caught_text(trials: Sequence[FaultTrial]) -> str:
    """Say how many were caught."""
    seen, stopped = caught_share(trials), caught_share(trials, stopped=True)
    if seen is None or stopped is None:
        return "no fault could be planted"
    return f"{len(trials)} faults: {seen:.0%} are caught, {stopped:.0%} are stopped"


def _by_kind(trials: Sequence[FaultTrial]) -> dict[str, dict[str, FaultTrial]]:
    found: dict[str, dict[str, FaultTrial]] = {}
    for trial in trials:
        found.setdefault(trial.kind, {})[trial.severity] = trial
    return found


def _mark(trial: FaultTrial | None) -> str:
    if trial is None:
        return ABSENT
    return CAUGHT if trial.stopped else WARNED if trial.warned_by else SLIPPED


def _catchers(found: Sequence[FaultTrial]) -> str:
    names = list(dict.fromkeys(name for trial in found for name in (*trial.caught_by, *trial.warned_by)))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _remedies(slipped: Sequence[FaultTrial]) -> Iterator[str]:
    for trial in slipped:
        columns = ", ".join(trial.columns[:MOST_COLUMNS]) + (", …" if len(trial.columns) > MOST_COLUMNS else "")
        where = f" in {columns}" if columns else ""
        nothing = "nothing can be said while gates close without it" if trial.closed_anyway else "no line of this file"
        line = trial.remedy or nothing
        yield f"  {trial.kind}{where}, {trial.size:g} ({trial.unit}): {line}"


def _lines_of(found: dict[str, FaultTrial]) -> str:
    return "; ".join(dict.fromkeys(trial.remedy for trial in found.values() if trial.remedy))
