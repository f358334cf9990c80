from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ml_platform.adapters.spent_log import SpentLog
from ml_platform.core.errors import LimitReached
from ml_platform.orchestration.at_work import Work, at_work
from ml_platform.orchestration.hand_on import rows_of
from ml_platform.policy.load import GovernedModelFile
from ml_platform.policy.prices import Prices
from ml_platform.policy.resources import Resources, StageResources
from ml_platform_tests.orchestration.small_model import NOW, load_small


@pytest.fixture
def file(tmp_path: Path) -> GovernedModelFile:
    return load_small(tmp_path)


@contextmanager
def working(file: GovernedModelFile, home: Path, **declared: float | str) -> Iterator[Work]:
    limits = StageResources.model_validate(declared)
    limited = dataclasses.replace(
        file, spec=file.spec.model_copy(update={"resources": Resources(split=limits)}),
        prices=Prices(cpu_hour=1.0, gib_hour=1.0, currency="EUR"),
    )  # fmt: skip
    with at_work(limited, "split", log=SpentLog(home), run_id="run-1", now=NOW, say=print) as work:
        yield work


def test_a_stage_is_measured_once_and_written_down(file: GovernedModelFile, tmp_path: Path) -> None:
    with working(file, tmp_path) as work:
        spent = work.finish("worked", rows=5)
        assert work.finish("failed") is spent
        shown = work.metadata(spent)
    assert SpentLog(tmp_path).read("parcels") == [spent]
    assert (spent.stage, spent.outcome, spent.rows) == ("split", "worked", 5)
    assert set(shown) == {"stage_cpu_seconds", "stage_wall_seconds", "stage_peak_memory_mib", "stage_cost"}
    not_own = dataclasses.replace(spent, usage=dataclasses.replace(spent.usage, peak_is_own=False))
    assert "of the process so far" in work.metadata(not_own)["peak memory"]


def test_a_stage_over_its_time_fails_and_is_measured_as_failed(file: GovernedModelFile, tmp_path: Path) -> None:
    with pytest.raises(LimitReached, match="parcels/split: was still at work"), working(file, tmp_path, seconds=0.05):
        time.sleep(5)
    (spent,) = SpentLog(tmp_path).read("parcels")
    assert spent.outcome == "failed"


def test_memory_that_the_machine_refuses_is_a_limit_too(file: GovernedModelFile, tmp_path: Path) -> None:
    with pytest.raises(LimitReached, match="the machine has no memory left"), working(file, tmp_path):
        raise MemoryError


def test_a_failure_that_cannot_be_measured_keeps_its_own_words(file: GovernedModelFile, tmp_path: Path) -> None:
    (tmp_path / "costs").write_text("no folder")
    with pytest.raises(ValueError, match="its own words"), working(file, tmp_path):
        raise ValueError("its own words")


def test_threads_are_set_for_the_stage_and_set_back(file: GovernedModelFile, tmp_path: Path) -> None:
    import pyarrow as pa

    before, named = pa.cpu_count(), os.environ.get("OMP_NUM_THREADS")
    with working(file, tmp_path, threads=3):
        assert (pa.cpu_count(), os.environ["OMP_NUM_THREADS"]) == (3, "3")
    assert (pa.cpu_count(), os.environ.get("OMP_NUM_THREADS")) == (before, named)


def test_rows_are_those_that_a_record_says(file: GovernedModelFile) -> None:
    @dataclasses.dataclass
    class Record:
        rows: object

    assert rows_of(Record(rows={"train": 3, "holdout": 4})) == 7
    assert rows_of(Record(rows=5)) == 5
    assert rows_of(Record(rows="many")) is None
    assert rows_of(file) is None
