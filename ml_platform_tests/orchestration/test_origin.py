from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.orchestration.launch import open_dagster
from ml_platform.orchestration.origin import LOCATION, MODULE, origin_tags, repository

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


@dg.asset
def thing() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"digest": "ab" * 32})


def test_a_run_from_the_command_line_stands_beside_its_job_in_the_ui(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    definitions = dg.Definitions(assets=[thing], jobs=[dg.define_asset_job("make_thing")])
    with open_dagster(tmp_path, definitions) as dagster:
        done = dagster.launch("make_thing")
        assert done.success
        (run,) = dagster.instance.get_runs(dg.RunsFilter(job_name="make_thing", tags=origin_tags()))
        origin = run.remote_job_origin
        assert origin is not None
        assert (origin.location_name, origin.job_name) == (LOCATION, "make_thing")
        assert run.status is dg.DagsterRunStatus.SUCCESS


def test_the_origin_is_what_the_workspace_loads() -> None:
    workspace = (ROOT / "workspace.yaml").read_text(encoding="utf-8")
    assert f"location_name: {LOCATION}\n" in workspace
    assert f"module_name: {MODULE}\n" in workspace
    assert repository().get_label() == f"__repository__@{LOCATION}"
