"""Days on which nothing changes, through the jobs and sensors: nothing is retrained, taken back or called an alarm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.core.records import MonitoringRecord
from ml_platform.orchestration.build import build_all
from ml_platform.orchestration.launch import open_dagster
from ml_platform.orchestration.records import read_partitions
from ml_platform.settings import load_settings
from ml_platform_tests.drills.loop_days import PER_DAY_CHANGES, serve_days
from ml_platform_tests.drills.loop_table import CHANGES, table
from ml_platform_tests.drills.loop_world import go_live
from ml_platform_tests.flow.project import MODEL, project_in


@pytest.mark.drill
def test_stable_days_start_no_retraining_no_rollback_and_no_alarm(
    tmp_path: Path, drill_count: Callable[[int, int], int]
) -> None:
    if not drill_count(0, 1):
        pytest.skip("takes minutes: `make drills`")
    with project_in(tmp_path, tracking=None) as project:
        project.write(*CHANGES, PER_DAY_CHANGES, table=table())
        assert project.call("run", MODEL).code == 0
        go_live()
        days = serve_days(24)
        with open_dagster(project.folder, build_all(load_settings())) as dagster:
            for day in days:
                assert dagster.launch(f"{MODEL}_monitor", partition=day).success
                for sensor in ("retrain", "rollback"):
                    said = dagster.tick(f"{MODEL}_{sensor}_sensor")
                    assert said.requests == (), said
        with open_platform(load_settings()) as platform:
            judged = read_partitions(platform.home, (MODEL, "monitoring"), MonitoringRecord)
            assert [one.window for one in judged] == days
            assert [one.alarms for one in judged] == [()] * len(days)
            assert [one.version for one in platform.ledger.history(MODEL, "production")] == [1]
            assert not platform.ledger.all_of("retraining.declined", subject=MODEL)
