"""The decision that a report opens with: may this candidate go on, and if not, what closes its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.stages import STAGES
from ml_platform.reports.explanation import claim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_platform.policy.resolve import Policy

Tone = Literal["passed", "failed", "undecided"]
# The report is written before the release: it can't know what is said after it.
_STILL_TO_COME = (
    "The release's own gates and the promotion lock speak after this report; ml-platform show has their word."
)
JUDGED_BEFORE = STAGES[: STAGES.index("release")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision in one line and one sentence, with the verdicts that close the path or warn."""

    tone: Tone
    headline: str
    because: str
    closed: tuple[Verdict, ...]
    warned: tuple[Verdict, ...]


def decide(verdicts: Sequence[Verdict], policy: Policy | None) -> Decision:
    """Sum verdicts up; what was never judged, or judged under another policy, is not passed.

    Without a policy only the verdicts themselves can be looked at.
    """
    closed = tuple(verdict for verdict in verdicts if verdict.closes)
    warned = tuple(one for one in verdicts if one.severity is Severity.WARN and not one.outcome.opens)
    missing = _missing(verdicts, policy)
    tone: Tone = "passed"
    if any(verdict.outcome is not Outcome.UNDECIDED for verdict in closed):
        tone = "failed"
    elif closed or missing:
        tone = "undecided"
    return Decision(
        tone=tone,
        headline=_headline(tone, len(closed), warned),
        because=" ".join(
            [*_because(verdicts, closed, warned), *missing, *([_STILL_TO_COME] if tone == "passed" else [])]
        ),
        closed=closed,
        warned=warned,
    )


def _headline(tone: Tone, closed: int, warned: Sequence[Verdict]) -> str:
    gates = "1 gate is closed" if closed == 1 else f"{closed} gates are closed"
    if tone == "passed":
        return f"May be released{_warnings(warned)}"
    return f"Refused: {gates}" if tone == "failed" else "Not decided: evidence is missing"


def _warnings(warned: Sequence[Verdict]) -> str:
    """Say how many gates only warn, and how many of them on fairness."""
    if not warned:
        return ""
    unfair = sum(one.control == "FAIRNESS" for one in warned)
    count = "1 warning" if len(warned) == 1 else f"{len(warned)} warnings"
    return f", with {count}{f' ({unfair} on fairness)' if unfair else ''}"


def _because(verdicts: Sequence[Verdict], closed: Sequence[Verdict], warned: Sequence[Verdict]) -> list[str]:
    count = sum(verdict.outcome is not Outcome.NOT_APPLICABLE for verdict in verdicts)
    judged = f"{count} gates" if count != 1 else "1 gate"
    claims = ", ".join(f"“{claim(verdict.gate)}”" for verdict in closed[:3])
    more = f" and {len(closed) - 3} more" if len(closed) > 3 else ""
    holds = "isn't shown to hold" if len(closed) == 1 else "aren't shown to hold"
    said = [f"Of {judged} judged, {len(closed)} {holds}: {claims}{more}."] if closed else []
    said += [f"None of the {judged} judged so far closes the path."] if verdicts and not closed else []
    return [*said, *([f"{len(warned)} only {'warns' if len(warned) == 1 else 'warn'}."] if warned else [])]


def _missing(verdicts: Sequence[Verdict], policy: Policy | None) -> list[str]:
    """Return, in sentences, what a decision needs and isn't there."""
    problems = []
    if not any(verdict.stage == "evaluation" for verdict in verdicts):
        problems.append("No gate of the evaluation has spoken.")
    digests = {verdict.policy_digest for verdict in verdicts} | ({policy.digest} if policy else set())
    if len(digests) > 1:
        problems.append("Some verdicts were given under another policy and don't count; run their stages again.")
    if policy is not None:
        known = {(verdict.stage, verdict.gate) for verdict in verdicts}
        unheard = [
            name
            for name, gate in policy.gates.items()
            if gate.severity == "block" and gate.stage in JUDGED_BEFORE and (gate.stage, name) not in known
        ]
        shown = ", ".join(unheard[:5]) + (f" and {len(unheard) - 5} more" if len(unheard) > 5 else "")
        problems += [f"Without a verdict: {shown}."] if unheard else []
    return problems
