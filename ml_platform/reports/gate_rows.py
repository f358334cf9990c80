"""The gates of a report, stage by stage: the verdict, what was seen against what is needed, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from ml_platform.core.measurement import number_text
from ml_platform.core.verdict import Severity, Verdict
from ml_platform.policy.controls import CONTROLS
from ml_platform.policy.metrics import METRICS
from ml_platform.reports.explanation import claim, explanation, interval_text, next_step
from ml_platform.reports.interval_bar import interval_bar
from ml_platform.reports.limits import allowed_by, gate_of
from ml_platform.reports.outcomes import by_stage, tally, word
from ml_platform.reports.plain_text import one_line

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

LONGEST_SUBJECT = 80
NOT_APPLICABLE = "not_applicable"
_FACTS = {0.0: "no", 1.0: "yes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """One gate as a line of the report; `tone` is a style class, `anchor` leads to the measurement's row."""

    gate: str
    claim: str
    tone: str
    word: str
    warns: bool
    control: str
    control_title: str
    metric: str
    meaning: str
    value: str
    unit: str
    interval: str
    subject: str
    n: str
    anchor: str
    bar: Markup
    limit: str
    about: str
    why: str
    next_step: str

    @property
    def closed(self) -> bool:
        """Say whether the row has to be explained."""
        return bool(self.next_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRows:
    """One stage with its gates; `tone` is that of its gravest verdict."""

    stage: str
    tone: str
    tally: str
    rows: tuple[GateRow, ...]

    @property
    def judged(self) -> tuple[GateRow, ...]:
        """Return the gates that apply."""
        return tuple(row for row in self.rows if row.tone != NOT_APPLICABLE)

    @property
    def left_out(self) -> tuple[GateRow, ...]:
        """Return the gates that don't."""
        return tuple(row for row in self.rows if row.tone == NOT_APPLICABLE)


def stage_rows(content: Content, measured: MeasuredRows) -> tuple[StageRows, ...]:
    """Return every stage that was judged, in the order of the flow."""
    return tuple(
        StageRows(
            stage=stage,
            tone=_gravest(found),
            tally=tally(found),
            rows=tuple(gate_row(verdict, content, measured) for verdict in found),
        )
        for stage, found in by_stage(content.verdicts).items()
    )


def gate_row(verdict: Verdict, content: Content, measured: MeasuredRows) -> GateRow:
    """Return one gate's line; bar and reason of the gate need the policy that it was judged under."""
    gate, worst = gate_of(verdict, content.policy), verdict.worst
    control = CONTROLS.get(verdict.control)
    allowed = allowed_by(gate) if gate else None
    return GateRow(
        gate=verdict.gate,
        claim=claim(verdict.gate),
        tone=tone_of(verdict),
        word=word(verdict.outcome),
        warns=verdict.severity is Severity.WARN,
        control=verdict.control,
        control_title=control.title if control else "",
        metric=worst.metric if worst else "",
        meaning=METRICS[worst.metric].meaning if worst and worst.metric in METRICS else "",
        value=shown_value(worst) if worst else "",
        unit=shown_unit(worst) if worst else "",
        interval=interval_text(worst) if worst else "",
        subject=_subject(verdict),
        n=f"{worst.n:,}" if worst else "",
        anchor=measured.anchor(verdict.stage, worst),
        bar=interval_bar(worst, allowed, tone_of(verdict)) if worst and allowed else Markup(""),
        limit=verdict.limit.replace("n ≥ ", "n\xa0≥\xa0"),
        about=gate.why if gate else "",
        why=explanation(verdict),
        next_step="" if verdict.outcome.opens else next_step(verdict),
    )


def tone_of(verdict: Verdict) -> str:
    """Return the style class of a verdict: its outcome, or `warned` where a closed gate only warns."""
    warned = verdict.severity is Severity.WARN and not verdict.outcome.opens
    return "warned" if warned else verdict.outcome.value


def shown_value(measurement: Measurement) -> str:
    """Return the value for people: facts as yes and no, what is undefined as such."""
    if measurement.value is None:
        return "undefined"
    return _FACTS.get(measurement.value, "?") if measurement.unit == "fact" else number_text(measurement.value)


def shown_unit(measurement: Measurement) -> str:
    """Return the unit, unless the metric's name implies it."""
    return "" if measurement.unit in {"share", "fact"} or measurement.value is None else measurement.unit


def _subject(verdict: Verdict) -> str:
    if verdict.worst is None or not verdict.worst.subject:
        return ""
    name, count = one_line(verdict.worst.subject, LONGEST_SUBJECT), len(verdict.measurements)
    return f"worst of {count:,}: {name}" if count > 1 else name


def _gravest(verdicts: list[Verdict]) -> str:
    found = {tone_of(verdict) for verdict in verdicts}
    order = ("failed", "undecided", "warned", "waived", "passed")
    return next((tone for tone in order if tone in found), NOT_APPLICABLE)
