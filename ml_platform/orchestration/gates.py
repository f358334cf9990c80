"""Gates in Dagster's words: a check per gate, a check result per verdict, and the refusal that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from ml_platform.core.digest import short
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.controls import CONTROLS
from ml_platform.policy.describe import describe
from ml_platform.policy.gates import Gate
from ml_platform.policy.resolve import Policy

MARKS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.UNDECIDED: "?",
    Outcome.WAIVED: "~",
    Outcome.NOT_APPLICABLE: "-",
}
SHOWN_SUBJECTS = 30
SHOWN_OTHERS = 5
WIDE = "═" * 100


def check_specs(policy: Policy, stage: str, asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the checks of an asset: one per gate of its stage; a blocking gate stops what comes after it."""
    return [
        dg.AssetCheckSpec(
            name=name,
            asset=asset,
            blocking=gate.severity == "block",
            description=_explain(name, gate),
            metadata={"control": gate.control, "metric": gate.metric, "limit": describe(gate)},
        )
        for name, gate in policy.gates_of(stage).items()
    ]


def check_results(verdicts: Sequence[Verdict], asset: dg.AssetKey) -> list[dg.AssetCheckResult]:
    """Return every verdict as the result of its check."""
    return [
        dg.AssetCheckResult(
            asset_key=asset,
            check_name=verdict.gate,
            passed=verdict.outcome.opens,
            severity=_severity(verdict),
            description=f"{verdict.outcome.replace('_', ' ')}: {verdict.reason}",
            metadata=_metadata(verdict),
        )
        for verdict in verdicts
    ]


def verdict_line(verdict: Verdict) -> str:
    """Say a verdict in one line, for a log."""
    warns = " (warns only)" if verdict.severity is Severity.WARN else ""
    return f"{MARKS[verdict.outcome]} {verdict.gate}{warns}: {verdict.reason}"


def refusal(policy: Policy, title: str, verdicts: Sequence[Verdict], *, hints: Iterable[str] = ()) -> str:
    """Say which gates closed the path, with their numbers, their limits and what can be done."""
    closed = [verdict for verdict in verdicts if verdict.closes]
    gates = "1 gate is" if len(closed) == 1 else f"{len(closed)} gates are"
    lines = [f"{title} - {gates} closed ({len(verdicts)} judged)", WIDE]
    for verdict in closed:
        lines += _closed(verdict, policy.gates[verdict.gate].why if verdict.gate in policy.gates else "")
    return "\n".join([*lines, *(f"  → {hint}" for hint in hints), WIDE])


def _closed(verdict: Verdict, why: str) -> list[str]:
    others = [one for one in verdict.measurements if one != verdict.worst][:SHOWN_OTHERS]
    return [
        f"{MARKS[verdict.outcome]} {verdict.gate} {verdict.outcome} [{verdict.control}]",
        f"    seen:   {verdict.worst.text() if verdict.worst else verdict.reason}",
        *(f"    also:   {one.text()}" for one in others),
        f"    needed: {verdict.limit}",
        *([f"    why:    {why}"] if why else []),
        f"    do:     {verdict.next_step}",
    ]


def _explain(name: str, gate: Gate) -> str:
    control = CONTROLS.get(gate.control)
    title = f"{gate.control} ({control.title})" if control else gate.control
    kind = "blocks the path" if gate.severity == "block" else "warns"
    applies = "" if gate.when == "always" else f" Applies to models with: {gate.when}."
    claim = name.replace("_", " ")
    return (
        f"Claim: {claim}. Control: {title}. Measured: {gate.metric}; needed: {describe(gate)}; when closed, it {kind}."
        f"{applies} Why: {gate.why} What to do: {gate.next_step}"
    )


def _severity(verdict: Verdict) -> dg.AssetCheckSeverity:
    blocks = verdict.severity is Severity.BLOCK
    return dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN


def _metadata(verdict: Verdict) -> dict[str, Any]:
    worst = verdict.worst
    found: dict[str, Any] = {
        "outcome": verdict.outcome.value,
        "control": verdict.control,
        "limit": verdict.limit,
        "reason": verdict.reason,
        "next step": verdict.next_step,
        "policy digest": short(verdict.policy_digest),
    }
    if worst is not None:
        found |= {"measured": worst.text(), "n": worst.n} | ({"subject": worst.subject} if worst.subject else {})
        numbers = {"value": worst.value, "low": worst.low, "high": worst.high, "confidence": worst.confidence}
        found |= {name: value for name, value in numbers.items() if value is not None}
        found |= {name: str(fact) for name, fact in worst.facts.items() if name not in found}
    if len(verdict.measurements) > 1:
        found["all subjects"] = dg.MetadataValue.md(measurement_table(verdict.measurements))
    return found


def measurement_table(measurements: Sequence[Measurement]) -> str:
    """Return measurements as a Markdown table."""
    rows = [
        f"| {one.metric} | {_cell(one.subject) or '-'} | {_number(one.value) or _cell(one.reason)} | "
        f"{_interval(one)} | {one.n:,} |"
        for one in measurements[:SHOWN_SUBJECTS]
    ]
    more = len(measurements) - SHOWN_SUBJECTS
    rows += [f"| … and {more} more | | | | |"] if more > 0 else []
    return "\n".join(["| metric | subject | value | interval | n |", "|---|---|---|---|---|", *rows])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _interval(one: Measurement) -> str:
    return f"{_number(one.low)} … {_number(one.high)}" if one.low is not None or one.high is not None else "-"
