"""Pictures of the windows: how the live version did in each of the newest, and what the alarms' evidence was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ml_platform.core.records import MonitoringRecord
from ml_platform.core.verdict import Outcome
from ml_platform.orchestration.pictures import image, plot_style
from ml_platform.reports.explanation import claim, seen
from ml_platform.stages.alarm_words import PERFORMANCE, TRAFFIC

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.core.verdict import Verdict
    from ml_platform.orchestration.desk import Desk
    from ml_platform.orchestration.run_stage import Judged
    from ml_platform.reports.windows_plot import WindowPoint

SHOWN = 24
MOST_EVIDENCE = 3.0  # of what an alarm needs: above it only that it is enough counts
Window = tuple[MonitoringRecord, Sequence["Verdict"]]


def window_pictures(desk: Desk, made: Judged[MonitoringRecord]) -> str:
    """Return the newest windows up to this one as Markdown images; a window that was judged otherwise isn't shown."""
    from ml_platform.reports.windows_plot import windows_plot

    windows = [*_before(desk, made.record), (made.record, made.verdicts)][-SHOWN:]
    watched = desk.spec.monitoring.retrain_when if desk.spec.monitoring else ()
    style = plot_style()
    drawn = []
    for gate in watched:
        points, limit = list(_points(windows, gate)), getattr(desk.policy.gates[gate], "limit", None)
        if points and isinstance(limit, int | float):
            plot = windows_plot(points, limit=limit, y_name=desk.policy.gates[gate].metric)
            drawn.append((claim(gate), str(plot)))
    for name, metric in (("Evidence that it does worse", PERFORMANCE), ("Evidence that traffic shifted", TRAFFIC)):
        if points := list(_evidence(windows, metric)):
            plot = windows_plot(points, limit=1.0, y_name=f"of what an alarm needs ({MOST_EVIDENCE:g}: or more)")
            drawn.append((name, str(plot)))
    return "\n\n".join(f"**{name}**\n\n{image(name, svg, style)}" for name, svg in drawn)


def _before(desk: Desk, record: MonitoringRecord) -> Iterator[Window]:
    from ml_platform.orchestration.records import read_partitions

    known = read_partitions(desk.platform.home, (desk.model, "monitoring"), MonitoringRecord)
    earlier = sorted((one for one in known if one.window_end < record.window_end), key=lambda one: one.window_end)
    for one in earlier[-SHOWN:]:
        part = desk.platform.ledger.part(desk.model, "monitoring", one.digest, desk.policy.digest)
        if part is not None:
            yield one, part.verdicts


def _points(windows: Sequence[Window], gate: str) -> Iterator[WindowPoint]:
    from ml_platform.reports.windows_plot import WindowPoint

    for record, verdicts in windows:
        for one in verdicts:
            if one.gate == gate and one.worst is not None and one.worst.value is not None:
                yield WindowPoint(
                    window=record.window, value=one.worst.value, low=one.worst.low, high=one.worst.high,
                    tone="failed" if one.outcome is Outcome.FAILED else "passed" if one.outcome.opens else "undecided",
                    says=f"{record.window}, v{record.version}: {seen(one.worst)}",
                )  # fmt: skip


def _evidence(windows: Sequence[Window], metric: str) -> Iterator[WindowPoint]:
    from ml_platform.reports.windows_plot import WindowPoint

    for record, verdicts in windows:
        if found := _strongest(verdicts, metric):
            value, one = found
            yield WindowPoint(
                window=record.window, value=min(value, MOST_EVIDENCE), tone="failed" if value > 1 else "passed",
                says=f"{record.window}, v{record.version}: {seen(one)}",
            )  # fmt: skip


def _strongest(verdicts: Sequence[Verdict], metric: str) -> tuple[float, Measurement] | None:
    known = [
        (one.value, one)
        for verdict in verdicts
        for one in verdict.measurements
        if one.metric == metric and one.value is not None
    ]
    return max(known, key=lambda found: found[0], default=None)
