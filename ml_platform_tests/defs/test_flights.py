from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import ml_platform.defs
from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.defs.flights import features
from ml_platform.policy.load import load_model
from ml_platform.sources.read import fingerprint
from ml_platform.stages.features import build_features, read_matrix
from ml_platform.stages.snapshot import SnapshotTaken, take_snapshot
from ml_platform.stages.split import make_split
from ml_platform_tests.defs.forgotten import forgotten, refused

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
DEFS = Path(ml_platform.defs.__file__).parent


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return load_model(DEFS / "flights" / "defs.yaml", now=NOW).spec


@pytest.fixture(scope="module")
def taken(spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> tuple[FileArtefacts, SnapshotTaken]:
    store = FileArtefacts(tmp_path_factory.mktemp("flights"))
    source = fingerprint(spec, now=NOW).record
    return store, take_snapshot(spec, store=store, source=source, as_of=None, reference=None, now=NOW)


@pytest.fixture(scope="module")
def matrix(spec: ModelSpec, taken: tuple[FileArtefacts, SnapshotTaken]) -> Matrix:
    store, found = taken
    snapshot = found.snapshot.record
    split = make_split(spec, store=store, snapshot=snapshot, as_of=None).record
    return read_matrix(store, build_features(spec, store=store, snapshot=snapshot, split=split).record)


def test_the_snapshot_is_the_arrived_flights_before_june(taken: tuple[FileArtefacts, SnapshotTaken]) -> None:
    _, found = taken
    assert found.snapshot.record.rows == 133_515
    assert found.quarantine.record.reasons == {"late: missing": 4_308}
    value = {each.metric: each.value for each in found.snapshot.measurements if not each.subject}
    assert value["contract_violations_share"] == 0
    assert value["duplicate_share"] == 0
    assert value["undeclared_columns"] == 0
    assert value["undeclared_personal_data"] == value["undeclared_quasi_identifiers"] == value["direct_copies"] == 0
    excess = [each.value for each in found.snapshot.measurements if each.metric == "missing_share_excess"]
    assert max(each or 0 for each in excess) == 0


def test_training_ends_before_may_and_the_holdout_with_it(matrix: Matrix) -> None:
    assert matrix.time is not None
    for part, start, end, rows in (
        ("train", "2013-01-01", "2013-05-01", 105_396),
        ("validation", "2013-05-01", "2013-05-08", 6_464),
        ("calibration", "2013-05-08", "2013-05-15", 6_339),
        ("holdout", "2013-05-15", "2013-06-01", 15_316),
    ):
        times = matrix.time[matrix.part == part]
        assert (times.size, times.min() >= np.datetime64(start), times.max() < np.datetime64(end)) == (rows, True, True)
    assert matrix.part_of("train").target.mean() == pytest.approx(0.25, abs=0.01)


def test_no_feature_is_made_from_what_is_known_afterwards(spec: ModelSpec) -> None:
    after = {name for name, column in spec.contract.items() if column.known == "after"}
    assert after == {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
    assert not after & set(spec.inputs)


def test_the_delay_at_departure_is_refused_however_it_is_declared(
    spec: ModelSpec, taken: tuple[FileArtefacts, SnapshotTaken], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, found = taken
    snapshot = found.snapshot.record
    split = make_split(spec, store=store, snapshot=snapshot, as_of=None).record
    policy = load_model(DEFS / "flights" / "defs.yaml", now=NOW).policy
    leaking = forgotten(spec, "dep_delay", tmp_path, monkeypatch)
    built = build_features(leaking, store=store, snapshot=snapshot, split=split)
    assert ("no_feature_explains_alone", "dep_delay") in refused(policy, built.measurements, NOW)


def test_the_weekday_is_that_of_the_airports_calendar(matrix: Matrix) -> None:
    assert matrix.time is not None
    local = pd.DatetimeIndex(matrix.time, tz="UTC").tz_convert("America/New_York")
    assert np.array_equal(matrix.column("weekday"), local.day_of_week)
    assert np.array_equal(matrix.column("minute_of_day") // 60, local.hour)


def tables() -> dict[str, pd.DataFrame]:
    hour = pd.Timestamp("2013-11-03T06:00:00Z")
    flights = pd.DataFrame(
        {
            "year": 2013, "month": 11, "day": 3, "origin": ["JFK", "JFK", "LGA"], "flight": [1, 2, 3],
            "time_hour": hour, "arr_delay": [15.0, 14.0, np.nan],
        }
    )  # fmt: skip
    weather = pd.DataFrame(
        {
            "year": 2013, "month": 11, "day": 3, "hour": 1, "origin": ["JFK", "JFK", "EWR"], "visib": [1.0, 2.0, 3.0],
            "time_hour": [hour - pd.Timedelta(hours=1), hour, hour],
        }
    )  # fmt: skip
    return {"flights": flights, "weather": weather}


def test_assemble_takes_the_right_hour_when_the_clocks_go_back() -> None:
    found = features.assemble(tables())
    assert found["visib"].fillna(-1).tolist() == [2.0, 2.0, -1.0]
    assert found["departures_in_hour"].tolist() == [2, 2, 1]


def test_late_begins_at_fifteen_minutes_and_is_missing_without_arrival() -> None:
    late = features.assemble(tables())["late"]
    assert late.tolist()[:2] == [True, False]
    assert late.isna().tolist() == [False, False, True]


def test_a_destination_never_seen_has_no_usual_span() -> None:
    inputs = {name: np.array([1.0, 2.0]) for name in (*features.AS_THEY_ARE, "minute", "time_hour")}
    inputs |= {"hour": np.array([23.0, 8.0]), "sched_arr_time": np.array([30.0, 1015.0]), "dest": np.array([0.0, 0.0])}
    state = features.fit(inputs)
    assert state == {"usual_span": [(89.0 + 133.0) / 2]}
    unseen = features.transform(inputs | {"dest": np.array([0.0, np.nan])}, state)
    assert unseen["planned_span"].tolist() == [89.0, 133.0]
    assert np.isnan(unseen["span_beyond_usual"]).tolist() == [False, True]
