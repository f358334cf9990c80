"""What goes by the clock is asked for once per tick of it, by Dagster's own evaluation, and only where it helps."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.orchestration.build import build_model
from ml_platform_tests.orchestration.small_model import load_small

SOURCE, FEEDBACK, PRODUCTION = (dg.AssetKey(["parcels", name]) for name in ("source", "feedback", "production"))
NOON = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)
GAIN = (
    ("holdout_days: 60}", "holdout_days: 60, train_grows: true}"),
    ("    minimum_labels: 200\n", "    minimum_labels: 200\n    retrain_on_expected_gain: 0.005\n"),
)


@pytest.fixture
def built(tmp_path: Path) -> dg.Definitions:
    return build_model(load_small(tmp_path, *GAIN))


def asked(built: dg.Definitions, *hours: float) -> list[set[dg.AssetKey]]:
    """What is asked for at each evaluation, so many hours after noon; production was made before, or not."""
    cursor, found = None, []
    instance = dg.DagsterInstance.ephemeral()
    for hour in hours:
        if hour >= 24:
            instance.report_runless_asset_event(dg.AssetMaterialization(PRODUCTION))
        told = dg.evaluate_automation_conditions(
            defs=built, instance=instance, cursor=cursor, evaluation_time=NOON + dt.timedelta(hours=hour),
            asset_selection=dg.AssetSelection.assets(SOURCE, FEEDBACK),
        )  # fmt: skip
        cursor = told.cursor
        found.append({key for key in (SOURCE, FEEDBACK) if told.get_num_requested(key)})
    return found


def test_a_source_is_looked_at_once_an_hour_however_often_the_daemon_asks(built: dg.Definitions) -> None:
    assert asked(built, 0, 0.2, 1, 1.1, 1.2, 2) == [set(), set(), {SOURCE}, set(), set(), {SOURCE}]


def test_feedback_is_judged_once_a_day_and_not_before_something_is_live(built: dg.Definitions) -> None:
    found = asked(built, 0, 13, 25, 25.1, 37, 37.1)
    assert [FEEDBACK in keys for keys in found] == [False, False, True, False, True, False]


def test_without_a_gain_to_expect_the_source_is_looked_at_in_runs_only(tmp_path: Path) -> None:
    built = build_model(load_small(tmp_path))
    assert built.resolve_asset_graph().get(SOURCE).automation_condition is None
    sensor = built.resolve_sensor_def("parcels_automation_sensor")
    assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.run_tags["ml_platform/model"] == "parcels"


def test_windows_and_retraining_have_sensors_because_they_say_why(built: dg.Definitions) -> None:
    graph = built.resolve_asset_graph()
    by_itself = {key.path[-1] for key in graph.get_all_asset_keys() if graph.get(key).automation_condition}
    assert by_itself == {"source", "feedback"}
