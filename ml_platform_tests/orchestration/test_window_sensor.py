from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from ml_platform.orchestration.build import build_model
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
