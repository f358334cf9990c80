"""The health is measured from what was seen: what can't be known is undecided, and every gate of it can close."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from ml_platform.core.health import Daemon, Ending, Look, Machine, Pending, Seen
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.policy.judge import judge
from ml_platform.policy.packs import combine, pack_files
from ml_platform.policy.resolve import make_policy
from ml_platform.stages.health import conditions_of_health, forecast, measure_health

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
MACHINE = Machine(memory_available_share=0.5, load_per_cpu=0.7, disk_free_bytes=500, disk_total_bytes=1000)
POLICY = make_policy(combine(["minimal"], pack_files()).gates, (), {}, ("minimal",))


def looks(*free: int, hours: float = 6.0) -> tuple[Look, ...]:
    """Return looks at the disk, the newest now."""
    return tuple(
        Look(
            at=NOW - dt.timedelta(hours=hours) * (len(free) - 1 - place),
            by="sensor",
            machine=dataclasses.replace(MACHINE, disk_free_bytes=one),
        )
        for place, one in enumerate(free)
    )


WELL = Seen(
    now=NOW, machine=MACHINE, looks=looks(*[500] * 20),
    daemon=Daemon(heartbeat_seconds=5.0, sensors={"flights_retrain_sensor": 12.0}),
    audit_problems=0, stages={"split": NOW - DAY}, endings=(Ending(what="waiver of auc", at=NOW + 30 * DAY),),
    key_made_at=NOW - 3 * DAY, windows_end=NOW - 3 * DAY, watched_since=NOW - 90 * DAY, service="ok",
    channels=(Pending(channel="chat", waits_since=None, arrived_at=NOW - DAY),),
)  # fmt: skip


def verdicts(seen: Seen) -> dict[str, Verdict]:
    conditions = {"always", *(name for name, true in conditions_of_health(seen).items() if true)}
    found = judge(POLICY, "health", measure_health(seen), conditions=frozenset(conditions), now=NOW)
    return {one.gate: one for one in found}


def test_where_all_is_well_every_gate_passes() -> None:
    assert {one.outcome for one in verdicts(WELL).values()} == {Outcome.PASSED}


@pytest.mark.parametrize(
    ("gate", "changes", "outcome"),
    [
        ("memory_is_left", {"machine": dataclasses.replace(MACHINE, memory_available_share=0.05)}, Outcome.PASSED),
        ("memory_is_left", {"machine": dataclasses.replace(MACHINE, memory_available_share=0.049)}, Outcome.FAILED),
        ("memory_is_left", {"machine": dataclasses.replace(MACHINE, memory_available_share=None)}, Outcome.UNDECIDED),
        ("processor_keeps_up", {"machine": dataclasses.replace(MACHINE, load_per_cpu=4.0)}, Outcome.PASSED),
        ("processor_keeps_up", {"machine": dataclasses.replace(MACHINE, load_per_cpu=4.1)}, Outcome.FAILED),
        ("processor_keeps_up", {"machine": dataclasses.replace(MACHINE, load_per_cpu=None)}, Outcome.UNDECIDED),
        ("disk_has_room", {"machine": dataclasses.replace(MACHINE, disk_free_bytes=50)}, Outcome.PASSED),
        ("disk_has_room", {"machine": dataclasses.replace(MACHINE, disk_free_bytes=49)}, Outcome.FAILED),
        ("disk_has_room", {"machine": dataclasses.replace(MACHINE, disk_free_bytes=0)}, Outcome.FAILED),
        ("disk_has_room", {"machine": dataclasses.replace(MACHINE, disk_total_bytes=None)}, Outcome.UNDECIDED),
        ("disk_lasts", {"looks": looks(*range(600, 500, -5))}, Outcome.FAILED),
        ("disk_lasts", {"looks": looks(*[500] * 4)}, Outcome.UNDECIDED),
        ("disk_lasts", {"looks": ()}, Outcome.UNDECIDED),
        ("daemon_is_alive", {"daemon": Daemon(heartbeat_seconds=180.0)}, Outcome.PASSED),
        ("daemon_is_alive", {"daemon": Daemon(heartbeat_seconds=181.0)}, Outcome.FAILED),
        ("daemon_is_alive", {"daemon": Daemon()}, Outcome.UNDECIDED),
        ("sensors_tick", {"daemon": Daemon(sensors={"a": 900.0})}, Outcome.PASSED),
        ("sensors_tick", {"daemon": Daemon(sensors={"a": 1.0, "b": 901.0})}, Outcome.FAILED),
        ("sensors_tick", {"daemon": Daemon(sensors={"a": None})}, Outcome.UNDECIDED),
        ("sensors_tick", {"daemon": Daemon(why="no dagster.yaml")}, Outcome.UNDECIDED),
        ("queue_moves", {"daemon": Daemon(queued=1, oldest_queued_seconds=3600.0)}, Outcome.PASSED),
        ("queue_moves", {"daemon": Daemon(queued=1, oldest_queued_seconds=3601.0)}, Outcome.FAILED),
        ("queue_moves", {"daemon": Daemon(why="no dagster.yaml")}, Outcome.UNDECIDED),
        ("windows_are_watched", {"windows_end": NOW - 45 * DAY}, Outcome.PASSED),
        ("windows_are_watched", {"windows_end": NOW - 46 * DAY}, Outcome.FAILED),
        ("windows_are_watched", {"windows_end": None}, Outcome.FAILED),
        ("windows_are_watched", {"watched_since": None}, Outcome.NOT_APPLICABLE),
        ("nothing_ends_soon", {"endings": (Ending(what="x", at=NOW + 7 * DAY),)}, Outcome.PASSED),
        ("nothing_ends_soon", {"endings": (Ending(what="x", at=NOW + 6 * DAY),)}, Outcome.FAILED),
        ("nothing_ends_soon", {"endings": ()}, Outcome.NOT_APPLICABLE),
        ("signing_key_is_young", {"key_made_at": NOW - 400 * DAY}, Outcome.PASSED),
        ("signing_key_is_young", {"key_made_at": NOW - 401 * DAY}, Outcome.FAILED),
        ("signing_key_is_young", {"key_made_at": None}, Outcome.UNDECIDED),
        ("audit_is_whole", {"audit_problems": 1}, Outcome.FAILED),
        ("watched_service_is_well", {"service": "degraded"}, Outcome.FAILED),
        ("watched_service_is_well", {"service": None}, Outcome.NOT_APPLICABLE),
        ("notices_arrive", {"channels": ()}, Outcome.UNDECIDED),
        ("notices_arrive", {"channels": (Pending(channel="a", waits_since=None, arrived_at=None),)}, Outcome.UNDECIDED),
        (
            "notices_arrive",
            {"channels": (Pending(channel="a", waits_since=NOW - DAY, arrived_at=NOW),)},
            Outcome.PASSED,
        ),
        (
            "notices_arrive",
            {"channels": (Pending(channel="a", waits_since=NOW - 1.1 * DAY, arrived_at=None),)},
            Outcome.FAILED,
        ),
    ],
)
def test_every_gate_decides_at_its_limit_and_closes_on_what_isnt_known(
    gate: str, changes: dict[str, object], outcome: Outcome
) -> None:
    seen = dataclasses.replace(WELL, **changes)  # type: ignore[arg-type]
    assert verdicts(seen)[gate].outcome is outcome


def test_the_forecast_says_when_the_disk_is_full_with_its_interval() -> None:
    found = forecast(looks(*range(600, 500, -5)), NOW)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= (found.value or 0.0) <= found.high
    assert found.facts["days_until_full"] == pytest.approx(505 / 20)


def test_a_disk_that_doesnt_fill_up_is_never_full() -> None:
    found = forecast(looks(*[500] * 30), NOW)
    assert (found.value, "days_until_full" in found.facts) == (0.5, False)


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        (looks(*[500] * 30, hours=0.5), "spans 0.6 days"),
        (looks(500, 400, 300), "spans 0.5 days"),
        (looks(500, 400, 300, hours=24), "too few"),
        ((), "spans 0.0 days"),
    ],
)
def test_with_too_little_history_nothing_is_forecast(history: tuple[Look, ...], reason: str) -> None:
    found = forecast(history, NOW)
    assert found.value is None
    assert reason in found.reason


def test_when_stages_last_succeeded_is_measured_by_stage() -> None:
    found = [one for one in measure_health(WELL) if one.metric == "stage_success_age_days"]
    assert found == [
        Measurement(metric="stage_success_age_days", value=1.0, n=1, unit="days", subject="split"),
    ]
