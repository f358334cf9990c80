from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from ml_platform.orchestration import window_sensor
from ml_platform.orchestration.asking_again import Again, Ended
from ml_platform.orchestration.build import build_model
from ml_platform.stages.due_windows import Due
from ml_platform_tests.orchestration.small_model import load_small

if TYPE_CHECKING:
    from ml_platform.policy.spec import WindowKind


@pytest.mark.parametrize(
    ("kind", "first", "count"),
    [("month", "2025-09", 4), ("day", "2025-09-01", 122), ("hour", "2025-09-01T00", 2_928)],
)
def test_windows_are_partitions_by_the_names_that_periods_read(
    tmp_path: Path, kind: WindowKind, first: str, count: int
) -> None:
    change = ("  start: 2025-09-01", f"  window: {kind}\n    start: 2025-09-01")
    built = build_model(load_small(tmp_path, change))
    partitions = built.resolve_assets_def(dg.AssetKey(["parcels", "traffic"])).partitions_def
    assert partitions is not None
    names = partitions.get_partition_keys()
    assert names[0] == first
    assert len(names) == count


def test_before_the_first_release_the_window_sensor_says_so_and_makes_no_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    sensor = build_model(load_small(tmp_path)).resolve_sensor_def("parcels_window_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    with dg.instance_for_test() as instance:
        data = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert not data.run_requests
    assert "nothing was ever released" in (data.skip_message or "")
    assert not (tmp_path / "home").exists()


def test_a_window_whose_run_broke_is_asked_for_again_and_the_tick_says_when_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build_model(load_small(tmp_path))
    sensor = built.resolve_sensor_def("parcels_window_sensor")
    due = {"2025-09": "a", "2025-10": "b", "2025-11": "other"}
    waiting = tuple(Due(window=window, cause=cause, reason="has ended") for window, cause in due.items())
    tries = {"a": Again("a#2", "try 2 of 3"), "b": Ended("3 runs came to nothing"), "c": Again("c#2", "try 2 of 3")}
    broke = {"2025-09": "a", "2025-10": "b", "2025-11": "c"}
    monkeypatch.setattr(window_sensor, "failed_partitions", lambda *_: broke)
    monkeypatch.setattr(window_sensor, "next_try", lambda *given: tries[given[2]])
    monkeypatch.setattr(window_sensor, "_due", lambda *_: (waiting, ""))
    with dg.instance_for_test() as instance:
        found = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=built))
        keys = {one.partition_key: one.run_key for one in found.run_requests or []}
        assert keys == {"2025-09": "a#2", "2025-11": "other"}  # a newer cause counts for what broke before
        monkeypatch.setattr(window_sensor, "_due", lambda *_: ("every window was judged", ""))
        monkeypatch.setattr(window_sensor, "failed_partitions", lambda *_: {"2025-10": "b"})
        calm = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=built))
    assert calm.skip_message == "2025-10: 3 runs came to nothing; every window was judged"
