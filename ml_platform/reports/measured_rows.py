"""All measurements of a report as one list, each with the anchor that every mention of it links to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.digest import short
from ml_platform.core.measurement import Fact, Measurement, number_text
from ml_platform.policy.metrics import METRICS
from ml_platform.reports.outcomes import by_stage
from ml_platform.reports.plain_text import is_digest

if TYPE_CHECKING:
    from ml_platform.reports.content import Content

EVALUATION = "evaluation"
Key = tuple[str, str, str, float | None, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRow:
    """One measurement with its place in the report."""

    anchor: str
    stage: str
    measurement: Measurement

    @property
    def meaning(self) -> str:
        """Return what the metric means, in one sentence."""
        metric = METRICS.get(self.measurement.metric)
        return metric.meaning if metric else ""

    @property
    def facts(self) -> str:
        """Return the facts beside the number, in one line."""
        told = ((name.replace("_", " "), _fact(value)) for name, value in self.measurement.facts.items())
        return ", ".join(f"{name} {text}" for name, text in told if text)


class MeasuredRows:
    """The measurements of all stages in the order of the flow; the same one twice has one row."""

    def __init__(self, content: Content) -> None:
        found: dict[Key, MeasuredRow] = {}
        stages = by_stage(content.verdicts)
        for stage in {**stages, EVALUATION: ()}:
            own = content.measurements if stage == EVALUATION else ()
            used = (one for verdict in stages.get(stage, ()) for one in verdict.measurements)
            for one in (*own, *used):
                row = MeasuredRow(anchor=f"m{len(found) + 1}", stage=stage, measurement=one)
                found.setdefault(_key(stage, one), row)
        self._found = found

    def anchor(self, stage: str, measurement: Measurement | None) -> str:
        """Return the anchor of a measurement; empty when it has no row."""
        row = None if measurement is None else self._found.get(_key(stage, measurement))
        return row.anchor if row else ""

    def by_stage(self) -> dict[str, list[MeasuredRow]]:
        """Return the rows of each stage."""
        stages: dict[str, list[MeasuredRow]] = {}
        for row in self._found.values():
            stages.setdefault(row.stage, []).append(row)
        return stages


def _key(stage: str, one: Measurement) -> Key:
    return stage, one.metric, one.subject, one.value, one.n


def _fact(value: Fact) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return short(value) if is_digest(value) else value
        case _:
            return number_text(value)
