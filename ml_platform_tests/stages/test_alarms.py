"""An alarm needs as much evidence as the contract asks, gathered over windows, and says what lies behind it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.records import MonitoringRecord, WindowSummary
from ml_platform.policy.spec import ModelSpec, Monitoring, PersonalData
from ml_platform.stages.alarms import LEAST_NEEDED, alarms_in, measure_alarms, needed_evidence
from ml_platform.stages.causes import Upstream, explain_alarms, source_of
from ml_platform.stages.monitors import Monitor
from ml_platform.stats.usual import usual_share
from ml_platform_tests.stages.test_monitor import SPEC

DAILY = Monitoring(window="day", start=dt.date(2026, 1, 1), retrain_when=(), cooldown_days=0, minimum_labels=1)
WRONG = Monitor(
    name="wrong decisions", family="performance", usual=(usual_share(1_000, 5_000),), side="greater",
    quantities=("wrong decisions",),
)  # fmt: skip
HEIGHT = Monitor(
    name="height", family="traffic", usual=tuple(usual_share(count, 3_000) for count in (1_000, 1_000, 1_000)),
    side="both", quantities=("below 1", "from 1", "missing"), column="height",
)  # fmt: skip
SHIFTED = (0.1, 0.3, 0.6)


def seen(*means: float, n: int = 200) -> WindowSummary:
    return WindowSummary(n=n, means=means)


def record(day: int, summary: WindowSummary, *alarms: str, name: str = "wrong decisions") -> MonitoringRecord:
    return MonitoringRecord(
        model="tides", environment="production", window=f"2026-01-{day:02}",
        window_end=dt.datetime(2026, 1, day, tzinfo=dt.UTC), digest=str(day), window_digest="w", version=2,
        model_digest="g", labelled=1, summaries={name: summary}, alarms=alarms,
    )  # fmt: skip


def evidence(
    now: WindowSummary, *earlier: MonitoringRecord, monitor: Monitor = WRONG, spec: ModelSpec = SPEC
) -> Measurement:
    return measure_alarms(spec, DAILY, [monitor], {monitor.name: now}, earlier)[0]


def value(found: Measurement) -> float:
    assert found.value is not None
    return found.value


def test_what_an_alarm_needs_is_solved_from_windows_monitors_and_the_alarms_that_may_be_false() -> None:
    assert needed_evidence("day", 1, 4) == pytest.approx(math.log(366 * 2 * 4))
    assert needed_evidence("month", 2, 4) == pytest.approx(math.log(12 * 4))
    assert needed_evidence("month", 100, 1) == LEAST_NEEDED


def test_a_calm_window_raises_no_alarm_and_a_bad_one_does() -> None:
    calm, bad = evidence(seen(0.2)), evidence(seen(0.5))
    assert calm.value == 0
    assert value(bad) > 1
    assert alarms_in([calm, bad]) == ("wrong decisions",)
    assert bad.facts["now"] == 0.5
    assert bad.facts["rank"] == 1


def test_evidence_is_gathered_over_windows_until_an_alarm_and_then_anew() -> None:
    slightly = seen(0.26)
    days = [record(day, slightly) for day in range(1, 9)]
    alone, together = value(evidence(slightly)), value(evidence(slightly, *days))
    assert alone < 1 < together
    raised = [*days[:-1], record(8, slightly, "wrong decisions")]
    assert value(evidence(slightly, *raised)) < together


def test_a_better_model_is_no_alarm() -> None:
    assert evidence(seen(0.05)).value == 0


def test_an_alarm_of_another_monitor_and_a_window_of_another_shape_say_nothing() -> None:
    calm = record(1, seen(0.2))
    other = record(2, seen(0.26), "another")
    misshapen = record(3, seen(0.1, 0.9))
    found = [value(evidence(seen(0.3), calm, other, *more)) for more in ((), (misshapen,))]
    assert found[0] == found[1]


def test_too_few_rows_define_nothing_and_are_no_alarm() -> None:
    found = evidence(seen(0.9, n=29))
    assert found.value is None
    assert found.reason == "29 rows; 30 are needed"
    assert not alarms_in([found])


def test_a_proven_shift_too_small_to_matter_is_no_alarm() -> None:
    small = seen(0.36, 0.32, 0.32, n=1_000_000)
    assert evidence(small, monitor=HEIGHT).value == 0
    assert value(evidence(seen(*SHIFTED, n=1_000), monitor=HEIGHT)) > 1


def test_a_shifted_column_says_which_part_moved_but_nothing_of_persons() -> None:
    moved = seen(0.7, 0.2, 0.1, n=1_000)
    facts = evidence(moved, monitor=HEIGHT).facts
    assert facts["most_in"] == "below 1"
    assert facts["change"] == "share 0.3334 → 0.7"
    height = SPEC.contract["height"].model_copy(update={"personal_data": PersonalData.QUASI})
    personal = SPEC.model_copy(update={"contract": {**SPEC.contract, "height": height}})
    assert evidence(moved, monitor=HEIGHT, spec=personal).facts["most_in"] == "a part that isn't shown"
    lost = evidence(seen(*SHIFTED, n=1_000), monitor=HEIGHT, spec=personal)
    assert lost.facts["most_in"] == "missing"


def test_the_strongest_comes_first_and_nothing_to_watch_measures_nothing() -> None:
    other = dataclasses.replace(WRONG, name="loss")
    found = measure_alarms(SPEC, DAILY, [WRONG, other], {"wrong decisions": seen(0.2), "loss": seen(0.5)}, [])
    assert [one.subject for one in found] == ["loss", "wrong decisions"]
    assert measure_alarms(SPEC, DAILY, [], {}, []) == []


def explained(*found: Measurement, upstream: Upstream) -> list[Measurement]:
    return explain_alarms(SPEC, found, upstream)


def test_an_alarm_names_the_inputs_that_moved_by_how_much_the_model_rests_on_them_and_their_source() -> None:
    upstream = Upstream(
        lineage={"tall": ("height",), "phase": ("moon",)}, importance={"tall": 0.9, "phase": 0.1, "gone": 0.0},
        columns_of=lambda: {"t": ("height",)},
    )  # fmt: skip
    moon = dataclasses.replace(HEIGHT, name="moon", column="moon")
    worse, high, new = (
        evidence(one, monitor=monitor)
        for one, monitor in ((seen(0.5), WRONG), (seen(*SHIFTED), HEIGHT), (seen(*SHIFTED), moon))
    )
    found = explained(worse, high, new, upstream=upstream)
    assert str(found[0].facts["cause_1"]).startswith("height (90% of what moved")
    assert str(found[0].facts["cause_1"]).endswith("from t.height (t.csv)")
    assert "moon, made when t are put together" in str(found[0].facts["cause_2"])
    assert found[1].facts["source_column"] == "t.height (t.csv)"
    assert found[1].facts["features"] == "tall"


def test_where_no_input_moved_the_alarm_says_that_their_meaning_did() -> None:
    (found,) = explained(evidence(seen(0.5)), upstream=Upstream())
    assert "what the inputs mean for the outcome has changed" in str(found.facts["cause_1"])


def test_of_an_unknown_model_all_inputs_weigh_alike() -> None:
    found = explained(evidence(seen(0.5)), evidence(seen(*SHIFTED), monitor=HEIGHT), upstream=Upstream())
    assert str(found[0].facts["cause_1"]).startswith("height (100%")
    assert "source_column" in found[1].facts


def test_without_an_alarm_no_source_is_looked_at() -> None:
    def never() -> dict[str, tuple[str, ...]]:
        raise AssertionError

    calm = evidence(seen(0.2))
    assert explained(calm, upstream=Upstream(columns_of=never)) == [calm]


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"kind": "package", "package": "p", "path": "a.csv"}, "t.x (package p, a.csv)"),
        ({"kind": "url", "url": "s3://bucket/a.csv"}, "t.x (s3://bucket/a.csv)"),
        ({"kind": "sql", "setting": "db", "table": "rows"}, "t.x (table rows)"),
        ({"kind": "sql", "setting": "db", "query": "select 1"}, "t.x (a query)"),
    ],
)
def test_a_source_is_named_by_its_kind(table: dict[str, str], place: str) -> None:
    said = SPEC.model_dump(mode="json", exclude_none=True)
    said["source"]["tables"] = {"t": table}
    assert source_of(ModelSpec.model_validate(said, strict=False), "x", {}) == place
