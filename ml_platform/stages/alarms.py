"""Alarms: how much evidence each monitor holds, of what the false-alarm contract asks before it may raise one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Fact, Measurement, number_text
from ml_platform.core.records import MonitoringRecord, WindowSummary
from ml_platform.policy.spec import PersonalData
from ml_platform.stages.alarm_words import PERFORMANCE, TRAFFIC, is_alarm
from ml_platform.stages.periods import PER_YEAR
from ml_platform.stats.psi_of_shares import psi_of_shares
from ml_platform.stats.shift_detector import EFFECTS, shift_detector

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec, Monitoring, WindowKind
    from ml_platform.stages.monitors import Family, Monitor
    from ml_platform.stats.shift_detector import Shift

METRICS_OF: Mapping[Family, str] = {"performance": PERFORMANCE, "traffic": TRAFFIC}
FEWEST_ROWS = 30
LOOKED_BACK = 100
MATERIAL_PSI = 0.1
LEAST_NEEDED = 1.0


@dataclass(frozen=True, slots=True)
class _Past:
    """What a monitor saw so far, the window in question last, and from which window on it counts."""

    n: NDArray[np.intp]
    means: NDArray[np.float64]
    start: int


def needed_evidence(kind: WindowKind, false_alarms_per_year: float, monitors: int) -> float:
    """Return the log evidence at which a monitor of a family of so many raises an alarm.

    Each family has half of the alarms that may be false, each monitor an equal part of that. A monitor whose evidence
    has to reach c does so by chance once in c windows on average, so c is the windows of a year over its part.

    >>> round(math.exp(needed_evidence("day", 1.0, 4)))
    2928
    """
    part = false_alarms_per_year / 2 / monitors
    return max(math.log(PER_YEAR[kind] / part), LEAST_NEEDED)


def measure_alarms(
    spec: ModelSpec,
    monitoring: Monitoring,
    monitors: Sequence[Monitor],
    seen: Mapping[str, WindowSummary],
    earlier: Sequence[MonitoringRecord],
) -> list[Measurement]:
    """Measure the evidence of each monitor, of what an alarm needs, the strongest first; above 1 it is an alarm.

    `seen` are this window's summaries by monitor, `earlier` the records of the windows before it that the same version
    served, in order. All monitors are of one family.
    """
    if not monitors:
        return []
    needed = needed_evidence(monitoring.window, monitoring.false_alarms_per_year, len(monitors))
    found = [_measure(spec, one, seen[one.name], earlier[-LOOKED_BACK:], needed) for one in monitors]
    ranked = sorted(found, key=lambda one: -math.inf if one.value is None else one.value, reverse=True)
    return [replace(one, facts={**one.facts, "rank": place}) for place, one in enumerate(ranked, start=1)]


def alarms_in(measurements: Sequence[Measurement]) -> tuple[str, ...]:
    """Return the names of the monitors that raise an alarm."""
    return tuple(one.subject for one in measurements if is_alarm(one))


def _measure(
    spec: ModelSpec, monitor: Monitor, now: WindowSummary, earlier: Sequence[MonitoringRecord], needed: float
) -> Measurement:
    metric = METRICS_OF[monitor.family]
    if now.n < FEWEST_ROWS:
        lack = "fewer labels have come for this version than `minimum_labels` asks for"
        reason = lack if monitor.family == "performance" else f"{now.n:,} rows; {FEWEST_ROWS} are needed"
        return Measurement(metric=metric, subject=monitor.name, value=None, n=now.n, reason=reason)
    past = _past(monitor, now, earlier)
    worth = _worth(monitor, past)
    shift = shift_detector(monitor.usual, past.n, past.means, side=monitor.side, worth=worth, start=past.start)
    return Measurement(
        metric=metric,
        subject=monitor.name,
        value=max(float(shift.log_evidence[-1]), 0.0) / needed,
        n=now.n,
        facts=_facts(spec, monitor, past, shift, needed),
    )


def _past(monitor: Monitor, now: WindowSummary, earlier: Sequence[MonitoringRecord]) -> _Past:
    wide = len(monitor.usual)
    told: list[WindowSummary] = []
    start = 0
    for record in earlier:
        one = record.summaries.get(monitor.name)
        if one is not None and len(one.means) == wide and one.n >= FEWEST_ROWS:
            told.append(one)
            start = len(told) if monitor.name in record.alarms else start
    told.append(now)
    n = np.array([one.n for one in told], dtype=np.intp)
    return _Past(n, np.array([one.means for one in told], dtype=np.float64), start)


def _worth(monitor: Monitor, past: _Past) -> NDArray[np.bool_]:
    """Say which windows show a shift that matters, be it proven or not: the others can't add to the evidence."""
    usual = np.array([one.mean for one in monitor.usual])
    if len(monitor.usual) > 1:
        return psi_of_shares(usual, past.means, past.n) >= MATERIAL_PSI
    change = (past.means[:, 0] - usual[0]) / monitor.usual[0].deviation
    found: NDArray[np.bool_] = (change if monitor.side == "greater" else np.abs(change)) >= EFFECTS[0]
    return found


def _facts(spec: ModelSpec, monitor: Monitor, past: _Past, shift: Shift, needed: float) -> dict[str, Fact]:
    usual, now = monitor.usual[shift.quantity].mean, float(past.means[-1, shift.quantity])
    found: dict[str, Fact] = {
        "windows_since_it_began": int(past.n.size - shift.since),
        "log_evidence": float(shift.log_evidence[-1]),
        "log_evidence_needed": needed,
        "usual": usual,
        "now": now,
    }
    if len(monitor.usual) > 1:
        index = psi_of_shares(np.array([one.mean for one in monitor.usual]), past.means[-1:], past.n[-1:])
        found |= {"psi": float(index[0]), "most_in": _shown(spec, monitor, shift.quantity)}
        found["change"] = f"share {number_text(usual)} → {number_text(now)}"
    return found


def _shown(spec: ModelSpec, monitor: Monitor, quantity: int) -> str:
    """Return which part of a column moved most; of a column about persons only whether it is missing."""
    name = monitor.quantities[quantity]
    column = spec.contract.get(monitor.column)
    personal = column is not None and column.personal_data is not PersonalData.NONE and not column.levels
    return "a part that isn't shown" if personal and quantity < len(monitor.quantities) - 1 else name
