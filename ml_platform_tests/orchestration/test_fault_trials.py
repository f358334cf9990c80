"""The job of fault trials runs in Dagster and fails, in words, when too few faults are caught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ml_platform.orchestration.build import build_model
from ml_platform.orchestration.records import RESOURCES
from ml_platform_tests.orchestration.small_model import load_small


def result(folder: Path, **config: Any) -> dg.ExecuteInProcessResult:
    shared = dg.Definitions(resources=RESOURCES)
    job = dg.Definitions.merge(shared, build_model(load_small(folder))).resolve_job_def("parcels_faults")
    said = {"kinds": ["column_renamed"], "rows": 300, **config}
    return job.execute_in_process(run_config={"ops": {"parcels__faults": {"config": said}}}, raise_on_error=False)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracking: str) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)


def test_enough_caught_is_a_success_with_the_matrix_beside_it(tmp_path: Path) -> None:
    done = result(tmp_path)
    assert done.success
    (output,) = [event for event in done.all_events if event.is_successful_output]
    assert output.step_output_data.metadata["caught"].value == 1.0


def test_too_few_caught_fails_in_words(tmp_path: Path) -> None:
    done = result(tmp_path, kinds=["labels_shuffled"], at_least=1.01)
    (failure,) = done.filter_events(lambda event: event.is_step_failure)
    said = failure.step_failure_data.user_failure_data
    assert said is not None
    assert "parcels: REFUSED at faults:" in str(said.description)
    assert "needed: at least 101%" in str(said.description)
