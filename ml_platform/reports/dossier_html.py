"""The dossier as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.reports.explanation import claim, interval_text
from ml_platform.reports.gate_rows import shown_unit, shown_value, tone_of
from ml_platform.reports.html import page_environment
from ml_platform.reports.outcomes import word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_platform.reports.dossier import Dossier, JudgedGate

# The style and the word of each state of a control, gravest first.
STATES: Mapping[str, tuple[str, str]] = {
    "violated": ("failed", "violated"),
    "undecided": ("undecided", "undecided"),
    "waived": ("waived", "waived"),
    "enforced": ("passed", "enforced"),
    "not_applicable": ("not_applicable", "not applicable"),
    "no_gate": ("not_applicable", "no gate"),
}


def dossier_page(dossier: Dossier) -> str:
    """Return the page; whatever comes from data is escaped, and links lead to what lies beside the dossier."""
    counts = dossier.counts
    return page_environment().get_template("dossier.html.j2").render(
        dossier=dossier,
        release=dossier.release,
        standing=dossier.standing,
        states=STATES,
        tally=", ".join(f"{counts[state]} {said}" for state, (_, said) in STATES.items() if state in counts),
        gravest=next((tone for state, (tone, _) in STATES.items() if state in counts), "not_applicable"),
        spoken=[one for one in dossier.controls if one.gates],
        row=_row,
        interval=interval_text,
        at=lambda moment: f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip


def _row(gate: JudgedGate) -> dict[str, str]:
    """Return a gate's cells; one without a verdict is undecided, and that is said."""
    verdict = gate.verdict
    shown = {"claim": claim(gate.gate), "value": "", "unit": "", "interval": "", "subject": "", "n": ""}
    if verdict is None:
        undecided = Outcome.UNDECIDED.value
        return shown | {"tone": undecided, "word": undecided, "limit": "", "why": "no verdict on this version"}
    return (
        shown | _measured(verdict) | {"tone": tone_of(verdict), "word": word(verdict.outcome), "limit": verdict.limit}
    )


def _measured(verdict: Verdict) -> dict[str, str]:
    worst = verdict.worst
    if worst is None:
        return {"why": verdict.reason}
    return {
        "value": shown_value(worst),
        "unit": shown_unit(worst),
        "interval": interval_text(worst),
        "subject": worst.subject,
        "n": f"{worst.n:,}",
        "why": "",
    }
