from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ml_platform.defs
from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.measured import Measured
from ml_platform.core.records import FeaturesRecord, SplitRecord
from ml_platform.defs.health_cost import features
from ml_platform.policy.load import load_model
from ml_platform.policy.spec import ModelSpec, PersonalData, RiskClass, Role
from ml_platform.sources.read import fingerprint
from ml_platform.stages.features import build_features
from ml_platform.stages.snapshot import SnapshotTaken, read_rows, take_snapshot
from ml_platform.stages.split import make_split
from ml_platform_tests.defs.forgotten import forgotten, refused

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
DEFS = Path(ml_platform.defs.__file__).parent
Path_ = tuple[FileArtefacts, SnapshotTaken, Measured[SplitRecord], Measured[FeaturesRecord]]


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return load_model(DEFS / "health_cost" / "defs.yaml", now=NOW).spec


@pytest.fixture(scope="module")
def path(spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> Path_:
    store = FileArtefacts(tmp_path_factory.mktemp("health_cost"))
    source = fingerprint(spec, now=NOW).record
    taken = take_snapshot(spec, store=store, source=source, as_of=None, reference=None, now=NOW)
    snapshot = taken.snapshot.record
    split = make_split(spec, store=store, snapshot=snapshot, as_of=None)
    return store, taken, split, build_features(spec, store=store, snapshot=snapshot, split=split.record)


def test_rows_with_an_imputed_race_are_quarantined_and_nothing_else(path: Path_) -> None:
    _, taken, _, _ = path
    assert taken.snapshot.record.rows == 14_096
    assert taken.quarantine.record.reasons == {"black: not a declared level": 170}
    value = {each.metric: each.value for each in taken.snapshot.measurements if not each.subject}
    assert value["undeclared_columns"] == value["undeclared_personal_data"] == value["duplicate_share"] == 0
    assert value["undeclared_quasi_identifiers"] == value["direct_copies"] == 0


def test_a_person_is_in_one_part_and_each_part_has_evidence(path: Path_) -> None:
    _, _, split, _ = path
    value = {each.metric: each.value for each in split.measurements}
    assert value["entity_overlap_share"] == value["row_overlap_share"] == 0
    assert (value["holdout_positives"] or 0) > 300
    assert (value["calibration_rows"] or 0) > 1000


def test_no_feature_knows_the_coming_year(path: Path_, spec: ModelSpec) -> None:
    _, _, _, built = path
    value = {each.metric: each.value for each in built.measurements if not each.subject}
    assert value["after_the_fact_features"] == value["identifier_features"] == value["parity_largest_difference"] == 0
    aucs = {each.subject: each.value or 0 for each in built.measurements if each.metric == "single_feature_auc"}
    assert max(aucs.values()) < 0.8
    made_from_the_outcome = {"lnmeddol", "binexp", "mdvis", "outpdol", "meddol"}
    assert all(spec.contract[name].known == "after" for name in made_from_the_outcome)


def test_a_use_of_care_in_the_coming_year_is_refused_however_it_is_declared(
    path: Path_, spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, taken, split, honest = path
    policy = load_model(DEFS / "health_cost" / "defs.yaml", now=NOW).policy
    assert refused(policy, honest.measurements, NOW) == []
    leaking = forgotten(spec, "mdvis", tmp_path, monkeypatch)
    built = build_features(leaking, store=store, snapshot=taken.snapshot.record, split=split.record)
    assert refused(policy, built.measurements, NOW) == [("no_feature_explains_alone", "mdvis")]


def test_race_is_measured_and_never_an_input(spec: ModelSpec) -> None:
    assert spec.columns(Role.GROUP) == ("female", "black")
    assert "black" not in spec.inputs
    assert spec.risk_class is RiskClass.HIGH
    assert spec.monitoring is None


def test_health_and_use_of_care_are_declared_sensitive_with_a_reason(spec: ModelSpec) -> None:
    names = [name for name in spec.inputs if name.startswith("last_") or name in {"mhi", "disea", "physlm", "ghindx"}]
    assert len(names) == 14
    for name in names:
        assert spec.contract[name].personal_data is PersonalData.SENSITIVE
        assert spec.contract[name].reason


def test_the_base_rate_is_that_of_the_study(path: Path_, spec: ModelSpec) -> None:
    store, taken, _, _ = path
    assert read_rows(spec, store, taken.snapshot.record)["high_cost"].mean() == pytest.approx(0.152, abs=0.001)


def test_only_the_year_before_stands_beside_a_year() -> None:
    years = pd.DataFrame({"zper": [1, 1, 1, 2], "year": [1, 2, 4, 1]})
    for place, name in enumerate(features.LAGGED):
        years[name] = [10.0 + place, 300.0, 50.0, 7.0]
    found = features.assemble({"person_years": years})
    assert found[["zper", "year"]].to_numpy().tolist() == [[1, 2]]
    assert found["last_meddol"].tolist() == [10.0]
    assert found["high_cost"].tolist() == [True]


def test_what_a_person_paid_ends_at_the_plans_limit() -> None:
    inputs = {name: np.array([1.0]) for name in features.AS_THEY_ARE}
    inputs |= {"last_meddol": np.array([10_000.0]), "coins": np.array([50.0]), "mdeoff": np.array([450.0])}
    assert features.transform(inputs, {})["last_own_dollars"].tolist() == [450.0]
    assert features.transform(inputs | {"mdeoff": np.array([np.nan])}, {})["last_own_dollars"].tolist() == [5000.0]
