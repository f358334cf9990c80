"""Gates in Dagster's words: a check per gate, a check result per verdict, and the refusal that a person reads."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from ml_platform.core.digest import short
from ml_platform.core.measurement import Measurement, number_text
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.controls import CONTROLS
from ml_platform.policy.describe import describe
from ml_platform.policy.gates import Gate
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.resolve import Policy
from ml_platform.reports.explanation import next_step, seen
from ml_platform.reports.markdown import table
from ml_platform.reports.measured_rows import MeasuredRow
from ml_platform.reports.outcomes import tally, word
from ml_platform.stages.alarm_words import alarm_rows, alarm_text, behind, comes_from, is_alarm, raised

MARKS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.UNDECIDED: "?",
    Outcome.WAIVED: "~",
    Outcome.NOT_APPLICABLE: "-",
}
SHOWN_SUBJECTS = 30
SHOWN_OTHERS = 5
LONGEST_FACTS = 300
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


def check_results(verdicts: Sequence[Verdict], asset: dg.AssetKey, *, window: str = "") -> list[dg.AssetCheckResult]:
    """Return every verdict as the result of its check; of a window's each says which, and what lies behind it."""
    why = behind(verdicts)
    return [
        dg.AssetCheckResult(
            asset_key=asset,
            check_name=verdict.gate,
            passed=verdict.outcome.opens,
            severity=_severity(verdict),
            description=_in_short(verdict, window),
            metadata={**_metadata(verdict), **_of_window(verdict, asset, window=window, why=why)},
        )
        for verdict in verdicts
    ]


def _in_short(verdict: Verdict, window: str) -> str:
    """Say what a verdict comes to, of an alarm what shifted; the numbers and the limit follow."""
    alarms = raised([verdict])
    said = f"{alarm_text(alarms[0])}. " if alarms else ""
    return f"{f'{window}: ' if window else ''}{verdict.outcome.replace('_', ' ')}: {said}{verdict.reason}"


def _of_window(verdict: Verdict, asset: dg.AssetKey, *, window: str, why: Sequence[str]) -> dict[str, Any]:
    """Return what only a window's check has to say: which window, and of a closed one what lies behind it, with links.

    Dagster sorts these by name.
    """
    if not window:
        return {}
    found: dict[str, Any] = {"window": window}
    if verdict.outcome.opens:
        return found
    alarms = raised([verdict])
    if alarms:
        found["all subjects"] = dg.MetadataValue.md(alarm_table(verdict.measurements))
        found["alarm"] = "; ".join(alarm_text(one) for one in alarms)
        why = comes_from(alarms[0])
    if alarms or (verdict.worst is not None and verdict.worst.metric.startswith("live_")):
        found |= {f"behind it {place}": text for place, text in enumerate(why, start=1)}
        model = asset.path[0]
        found |= {"source": dg.AssetKey([model, "source"]), "features": dg.AssetKey([model, "features"])}
    return found


def alarm_table(measurements: Sequence[Measurement]) -> str:
    """Return what the monitors of a family saw as a Markdown table, the strongest evidence first."""
    return table(("monitor", "evidence, an alarm above 1", "what shifted", "behind it"), list(alarm_rows(measurements)))


def gates_in_words(verdicts: Sequence[Verdict]) -> str:
    """Count the verdicts of an asset in words, naming the gates that aren't open."""
    shut = [verdict.gate for verdict in verdicts if not verdict.outcome.opens]
    return f"{tally(verdicts)}{': ' if shut else ''}{', '.join(shut)}"


def gate_table(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts of an asset as a Markdown table, those that aren't open first."""
    rows = [
        (
            f"{MARKS[verdict.outcome]} {verdict.gate}",
            seen(verdict.worst) if verdict.worst else verdict.reason,
            verdict.limit,
            verdict.control,
        )
        for verdict in sorted(verdicts, key=lambda one: one.outcome.opens)
    ]
    return table(("gate", "seen", "needed", "control"), rows)


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
        *([f"    where:  {_facts(verdict.worst)}"] if verdict.worst and _facts(verdict.worst) else []),
        *(f"    also:   {one.text()}" for one in others),
        f"    needed: {verdict.limit}",
        *([f"    why:    {why}"] if why else []),
        f"    do:     {next_step(verdict)}",
    ]


def _facts(worst: Measurement) -> str:
    """Say what else is known of a measurement: which rules were broken, which digest is missing."""
    told = "; ".join(
        f"{name.replace('_', ' ')}: {number_text(fact) if isinstance(fact, float) else fact}"
        for name, fact in worst.facts.items()
        if fact not in {"", None}
    )
    return textwrap.shorten(told, LONGEST_FACTS, placeholder=" …")


def _explain(name: str, gate: Gate) -> str:
    """Return a gate's description: a paragraph per question a person asks of it."""
    metric = METRICS.get(gate.metric)
    effect = "it stops what comes after it" if gate.severity == "block" else "it only warns"
    paragraphs = (
        f"**Claim:** {name.replace('_', ' ')}. When this isn't proven, {effect}.",
        f"**Measured:** `{gate.metric}` - {metric.meaning if metric else ''} **Limit:** {describe(gate)}.",
        "" if gate.when == "always" else f"**Applies to** models with: {gate.when}.",
        f"**Why:** {gate.why}",
        f"**What to do:** {gate.next_step}",
        f"**Control:** {control_text(gate.control)}",
    )
    return "\n\n".join(filter(None, paragraphs))


def control_text(name: str) -> str:
    """Return a control's id with what it demands."""
    control = CONTROLS.get(name)
    return f"{name} ({control.title})" if control else name


def _severity(verdict: Verdict) -> dg.AssetCheckSeverity:
    blocks = verdict.severity is Severity.BLOCK
    return dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN


def _metadata(verdict: Verdict) -> dict[str, Any]:
    """Return the evidence behind a verdict; Dagster sorts it by name and plots its numbers over time."""
    worst = verdict.worst
    found: dict[str, Any] = {
        "verdict": word(verdict.outcome),
        "control": control_text(verdict.control),
        "limit": verdict.limit,
        "next step": next_step(verdict),
        "policy digest": short(verdict.policy_digest),
    }
    if worst is None:
        return found | {"measurement": verdict.reason}
    found |= {"measurement": seen(worst), "sample size": worst.n, "interval": _interval_text(worst)}
    if worst.subject:
        found["subject"] = worst.subject
    if worst.value is not None:
        found["value"] = worst.value
    facts = MeasuredRow(anchor="", stage=verdict.stage, measurement=worst).facts
    if facts and not is_alarm(worst):  # an alarm says its facts in words
        found["facts"] = facts
    if len(verdict.measurements) > 1:
        found["all subjects"] = dg.MetadataValue.md(measurement_table(verdict.measurements))
    return found


def _interval_text(one: Measurement) -> str:
    if one.low is None and one.high is None:
        return "none: it is counted, not estimated" if one.value is not None else "none"
    confidence = f" ({one.confidence:.0%} confidence)" if one.confidence is not None else ""
    return f"{number_text(one.low)} to {number_text(one.high)}{confidence}"


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
