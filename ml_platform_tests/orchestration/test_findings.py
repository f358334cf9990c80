"""New rows with faults, through the snapshot asset: the findings and the columns stand on its page, refused or not."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from ml_platform.core.compared import COMPARED
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import SnapshotRecord
from ml_platform.orchestration.build import build_all
from ml_platform.orchestration.findings import findings_metadata
from ml_platform.orchestration.records import read_record
from ml_platform.orchestration.run_stage import Judged
from ml_platform.settings import load_settings
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.orchestration.small_model import load_small, rows, write_model

CANARY = "canary-region"
PERSONAL = ("region: {type: category, role: group}",
            "region: {type: category, role: group, personal_data: sensitive}")  # fmt: skip
NEW = pd.Timestamp("2025-07-01", tz="UTC")


@dataclass(frozen=True)
class World:
    folder: Path
    instance: dg.DagsterInstance

    def snapshot(self, as_of: str, table: pd.DataFrame) -> dg.ExecuteInProcessResult:
        write_model(self.folder, PERSONAL, table=table)
        return build_all(load_settings()).resolve_job_def("__ASSET_JOB").execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(["parcels", name]) for name in ("snapshot", "quarantine")],
            run_config={"ops": {"parcels__snapshot": {"config": {"as_of": as_of}}}},
            raise_on_error=False,
        )  # fmt: skip


def shown(result: dg.ExecuteInProcessResult) -> Mapping[str, Any]:
    (event,) = [one for one in result.get_asset_materialization_events() if one.asset_key.path[-1] == "snapshot"]  # type: ignore[union-attr]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def pictures(markdown: str) -> list[str]:
    return [base64.b64decode(found).decode() for found in re.findall(r"base64,([^)]+)\)", markdown)]


def faulty() -> pd.DataFrame:
    """Return parcels whose last two months have another region and a scale that is stuck."""
    table = rows()
    new = (table["sent"] >= NEW).to_numpy()
    table.loc[new & (np.arange(len(table)) % 2 == 0), "region"] = CANARY
    stuck = np.flatnonzero(new)[:200]
    table.loc[stuck, "weight"] = 31.5
    return table


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("findings")
    with pytest.MonkeyPatch.context() as patch, dg.instance_for_test() as instance:
        patch.setenv("ML_PLATFORM_HOME", str(folder / "home"))
        patch.setenv("ML_PLATFORM_DEFS", str(folder / "defs"))
        patch.delenv("ML_PLATFORM_ONLY", raising=False)
        yield World(folder=folder, instance=instance)


@pytest.fixture(scope="module", autouse=True)
def first(world: World) -> Iterator[dg.ExecuteInProcessResult]:
    """Take the first half year, and let it be what later rows are compared with, as if a version was trained on it."""
    result = world.snapshot(NEW.isoformat(), rows())
    record = read_record(world.folder / "home", ("parcels", "snapshot"), SnapshotRecord)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml_platform.orchestration.taking.reference_snapshot", lambda _: record)
        yield result


@pytest.fixture(scope="module")
def refused(world: World) -> dg.ExecuteInProcessResult:
    return world.snapshot("2025-09-01", faulty())


def test_without_a_reference_there_is_nothing_to_find(first: dg.ExecuteInProcessResult) -> None:
    assert first.success
    assert not {"findings", "columns compared"} & set(shown(first))


def test_sound_new_rows_say_for_every_gate_what_would_have_been_found(world: World) -> None:
    result = world.snapshot("2025-09-01", rows())
    found = shown(result)["findings"]
    assert result.success
    assert "values_move | none | -" in found
    assert "✗" not in found
    assert "columns compared" not in shown(result)


def test_a_refusal_shows_the_findings_and_how_the_columns_changed(refused: dg.ExecuteInProcessResult) -> None:
    assert not refused.success
    lines = shown(refused)["findings"].splitlines()
    assert lines[2].startswith("| ✗ failed | values_move | standstill | weight |")
    assert any("✗ failed (warns) | levels_are_as_before | levels | region" in line for line in lines)
    plots = shown(refused)["columns compared"]
    assert {"**weight**", "**region** About persons: classes are numbered, no value is told."} <= set(
        plots.splitlines()
    )
    assert any("31.5" in svg for svg in pictures(plots))
    assert any("level 1" in svg for svg in pictures(plots))


def test_a_recalled_snapshot_shows_the_same(world: World, refused: dg.ExecuteInProcessResult) -> None:
    again = world.snapshot("2025-09-01", faulty())
    assert shown(again)["unchanged"]
    assert shown(again)["columns compared"] == shown(refused)["columns compared"]
    assert shown(again)["findings"] == shown(refused)["findings"]


def test_no_level_of_a_personal_column_reaches_dagster_the_ledger_or_the_plots(
    world: World, refused: dg.ExecuteInProcessResult
) -> None:
    told = [repr(one) for one in refused.all_events] + pictures(shown(refused)["columns compared"])
    assert told
    assert not [one for one in told if CANARY in one]
    home = world.folder / "home"
    data = {"data.parquet", "rows.parquet", "profile.json"}  # the rows themselves, and what lies beside them
    others = [path for path in home.rglob("*") if path.is_file() and path.name not in data]
    assert others
    assert not [path for path in others if CANARY.encode() in path.read_bytes()]


def test_plots_that_are_gone_are_missed_in_words(world: World, tmp_path: Path) -> None:
    file = load_small(tmp_path)
    record = read_record(world.folder / "home", ("parcels", "snapshot"), SnapshotRecord)
    assert record is not None
    one = Measurement(metric="batch_schema_breaks", value=0.0, n=9, facts={COMPARED: "d" * 64})
    found = findings_metadata(
        FakeStore(tmp_path), file.policy, Judged(record=record, measurements=(one,), verdicts=(), unchanged=True)
    )
    assert found["columns compared"].value.startswith("No plots: ")
