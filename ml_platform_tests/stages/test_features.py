from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.records import FeaturesRecord, SnapshotRecord, SplitRecord
from ml_platform.core.verdict import Outcome
from ml_platform.policy.judge import judge
from ml_platform.policy.shipped import shipped_policy
from ml_platform.stages.features import build_features, read_matrix, read_state
from ml_platform.stages.matrix import Matrix, matrix_digest, matrix_frame, matrix_of
from ml_platform.stages.snapshot import read_rows
from ml_platform.stages.split import make_split
from ml_platform_tests.stages.code import written
from ml_platform_tests.stages.parcels import CONTRACT, NOW, Parcels, parcel_rows

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ml_platform.core.measurement import Measurement


@dataclass
class Built:
    parcels: Parcels
    snapshot: SnapshotRecord
    split: SplitRecord
    features: Measured[FeaturesRecord]

    @property
    def matrix(self) -> Matrix:
        return read_matrix(self.parcels.store, self.features.record)

    def measured(self, metric: str, subject: str = "") -> Measurement:
        found = self.features.measurements
        return next(each for each in found if (each.metric, each.subject) == (metric, subject))


def build(folder: Path, rows: pd.DataFrame | None = None, **changes: Any) -> Built:
    parcels = Parcels(folder, rows, **changes)
    snapshot = parcels.snapshot().snapshot.record
    split = make_split(parcels.spec, store=parcels.store, snapshot=snapshot, as_of=None).record
    return Built(
        parcels=parcels,
        snapshot=snapshot,
        split=split,
        features=build_features(parcels.spec, store=parcels.store, snapshot=snapshot, split=split),
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("parcels"))


def test_the_record_names_what_the_matrix_is_made_of(built: Built) -> None:
    record = built.features.record
    assert (record.snapshot_digest, record.split_digest) == (built.snapshot.digest, built.split.digest)
    assert record.names == ("weight", "pieces", "site", "carrier", "express", "weekday", "heavier")
    assert record.categorical == ("site", "carrier")
    assert record.rows == 600


def test_lineage_names_the_inputs_of_each_feature(built: Built) -> None:
    own = {name: (name,) for name in ("weight", "pieces", "site", "carrier", "express")}
    assert built.features.record.lineage == own | {"weekday": ("sent",), "heavier": ("weight",)}


def test_what_is_fitted_is_fitted_on_the_training_rows_only(built: Built) -> None:
    frame = read_rows(built.parcels.spec, built.parcels.store, built.snapshot)
    train = built.matrix.part == "train"
    state = read_state(built.parcels.store, built.features.record)
    assert state["fitted"]["mean_weight"] == pytest.approx(frame["weight"][train].mean())
    assert state["fitted"]["newest"] == frame["sent"][train].max().timestamp()
    assert state["levels"] == {"site": ["north", "south", "west"], "carrier": ["dx", "hm", "up"]}


def test_levels_first_seen_after_training_are_missing(tmp_path: Path) -> None:
    rows = parcel_rows()
    rows.loc[500:, "carrier"] = "new"
    matrix = build(tmp_path, rows).matrix
    assert np.isnan(matrix.column("carrier")[500:]).all()
    assert not np.isnan(matrix.column("carrier")[:500]).any()


def test_the_matrix_keeps_the_snapshots_rows_in_their_order(built: Built) -> None:
    frame = read_rows(built.parcels.spec, built.parcels.store, built.snapshot)
    matrix = built.matrix
    assert np.array_equal(matrix.column("weight"), frame["weight"])
    assert np.array_equal(matrix.target, frame["late"].to_numpy(dtype=float))
    assert matrix.groups["crew"].tolist() == frame["crew"].astype(str).tolist()
    assert matrix.time is not None
    assert (matrix.time == frame["sent"].to_numpy(dtype="datetime64[us]")).all()
    assert matrix.values.flags.c_contiguous


def test_entities_are_told_apart_without_being_named(built: Built) -> None:
    frame = read_rows(built.parcels.spec, built.parcels.store, built.snapshot)
    entity = built.matrix.entity
    assert entity is not None
    pairs = {(customer, code) for customer, code in zip(frame["customer"], entity.tolist(), strict=True)}
    assert len(pairs) == frame["customer"].nunique() == len(np.unique(entity))
    assert not {customer for customer, _ in pairs} & {code for _, code in pairs}


def test_a_part_of_the_matrix_has_all_its_columns(built: Built) -> None:
    part = built.matrix.part_of("holdout")
    assert (part.values.shape, part.target.size, set(part.part)) == ((80, 7), 80, {"holdout"})
    assert part.entity is not None
    assert part.time is not None
    assert part.entity.size == part.groups["crew"].size == part.time.size == 80


def test_a_matrix_survives_its_frame_with_missing_groups(built: Built) -> None:
    groups = {"crew": np.array([None, *built.matrix.groups["crew"][1:]], dtype=object)}
    matrix = Matrix(
        values=built.matrix.values, names=built.matrix.names, categorical=built.matrix.categorical,
        target=built.matrix.target, part=built.matrix.part, groups=groups,
    )  # fmt: skip
    again = matrix_of(matrix_frame(matrix), matrix.names, matrix.categorical)
    assert matrix_digest(again) == matrix_digest(matrix)
    assert again.groups["crew"].tolist() == groups["crew"].tolist()
    assert (again.entity, again.time) == (None, None)


def test_the_same_work_again_is_unchanged_and_other_code_is_another_matrix(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, store = built.parcels.spec, built.parcels.store
    again = build_features(spec, store=store, snapshot=built.snapshot, split=built.split)
    assert again.unchanged
    assert again.record == built.features.record
    name = written("def transform(columns, state):\n    return {'x': columns['weight']}\n", tmp_path, monkeypatch)
    changed = spec.model_copy(update={"features": name})
    other = build_features(changed, store=store, snapshot=built.snapshot, split=built.split)
    assert not other.unchanged
    assert other.record.digest != again.record.digest


def test_a_split_of_another_snapshot_is_refused(built: Built) -> None:
    wrong = SplitRecord(model="parcels", digest=built.split.digest, snapshot_digest="other", rows={})
    with pytest.raises(DataInvalid, match="they must belong together"):
        build_features(built.parcels.spec, store=built.parcels.store, snapshot=built.snapshot, split=wrong)


def test_clean_features_measure_clean(built: Built) -> None:
    for metric, expected in (
        ("non_finite_share", 0), ("constant_features", 0), ("after_the_fact_features", 0), ("identifier_features", 0),
        ("parity_largest_difference", 0), ("feature_count", 7),
    ):  # fmt: skip
        assert built.measured(metric).value == expected, metric
    subjects = [each.subject for each in built.features.measurements if each.metric == "single_feature_auc"]
    assert subjects == list(built.features.record.names)
    aucs = [built.measured("single_feature_auc", name).value or 0 for name in subjects]
    assert 0.4 < min(aucs) <= max(aucs) < 0.65


def contract_with(column: str, **said: Any) -> dict[str, Any]:
    return CONTRACT | {column: {"type": "number", **said}}


@pytest.mark.parametrize(
    ("rows", "contract", "body", "metric", "names"),
    [
        # A column that repeats the outcome's own column in other words.
        (
            lambda rows: rows.assign(hours=rows["delay"] / 60 + 1),
            contract_with("hours"),
            "{'hours': columns['hours']}",
            "after_the_fact_features",
            "hours",
        ),
        # A feature that names the customer, by another number.
        (
            lambda rows: rows.assign(code=rows["customer"] * 7 - 5),
            contract_with("code"),
            "{'code': columns['code']}",
            "identifier_features",
            "code",
        ),
        # A feature with a whole number of its own for each row.
        (
            lambda rows: rows.assign(index=rows["number"] + 5),
            contract_with("index"),
            "{'index': columns['index']}",
            "identifier_features",
            "index",
        ),
        (lambda rows: rows, CONTRACT, "{'one': columns['weight'] * 0}", "constant_features", "one"),
    ],
)
def test_a_feature_that_leaks_names_or_says_nothing_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: Any, contract: Any, body: str, metric: str, names: str
) -> None:
    name = written(f"def transform(columns, state):\n    return {body}\n", tmp_path, monkeypatch)
    found = build(tmp_path, rows(parcel_rows()), contract=contract, features=name).measured(metric)
    assert (found.value, found.facts["features"]) == (1, names)


def test_a_constant_feature_is_warned_of_and_gives_no_answer_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def transform(columns, state):\n    return {'w': columns['weight'], 'one': columns['weight'] * 0}\n"
    built = build(tmp_path, features=written(code, tmp_path, monkeypatch))
    assert built.measured("single_feature_auc", "one").value == 0.5
    verdicts = judge(
        shipped_policy("base"), "features", built.features.measurements, conditions=frozenset({"always"}), now=NOW
    )
    closed = {one.gate: one.closes for one in verdicts if one.outcome in {Outcome.FAILED, Outcome.UNDECIDED}}
    assert closed.get("features_vary") is False
    assert "no_feature_gives_the_answer_away" not in closed


def test_a_feature_made_from_an_after_the_fact_column_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = CONTRACT | {"delay": {"type": "number", "known": "after", "reason": "Too late.", "missing": 0.5}}
    code = "def transform(columns, state):\n    return {'w': columns['weight'], 'd': columns['delay'] ** 2}\n"
    built = build(tmp_path, contract=contract, features=written(code, tmp_path, monkeypatch))
    assert built.measured("after_the_fact_features").facts["features"] == "d"


@pytest.mark.parametrize(
    ("made", "dependence"),
    [
        ("delay.abs()", 0.98),  # the same in other words: a function that isn't monotone
        ("delay // 0.5", 0.98),
        ("weight", -1.0),
    ],
)
def test_a_function_of_what_is_known_too_late_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str, dependence: float
) -> None:
    rows = parcel_rows()
    rows["made"] = rows.eval(made)
    code = "def transform(columns, state):\n    return {'made': columns['made']}\n"
    built = build(tmp_path, rows, contract=contract_with("made"), features=written(code, tmp_path, monkeypatch))
    found = built.measured("after_the_fact_dependence", "made")
    assert found.facts["column"] == ("delay" if dependence > 0 else found.facts["column"])
    assert (found.value or 0) > dependence


def test_a_time_known_too_late_is_found_under_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    after = {"type": "datetime", "role": "not_used", "known": "after", "reason": "Too late."}
    rows = parcel_rows().assign(arrived=lambda rows: rows["sent"])
    code = "def transform(columns, state):\n    return {'days': columns['sent'] / 86400.0, 'w': columns['weight']}\n"
    built = build(tmp_path, rows, contract=CONTRACT | {"arrived": after}, features=written(code, tmp_path, monkeypatch))
    assert built.measured("after_the_fact_features").facts["features"] == "days"
    assert built.measured("after_the_fact_dependence", "days").facts["column"] == "arrived"


def test_a_category_known_too_late_counts_when_each_follows_from_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = parcel_rows()
    rows["stamp"] = rows["carrier"].map({"dx": "1", "up": "2", "hm": "3"})
    rows["van"] = rows["carrier"] + (rows["number"] % 40).astype(str)
    after = {"type": "category", "role": "not_used", "known": "after", "reason": "Too late."}
    late = CONTRACT | {"stamp": after}
    code = "def transform(columns, state):\n    return {'carrier': columns['carrier'], 'w': columns['weight']}\n"
    name = written(code, tmp_path, monkeypatch)
    found = build(tmp_path, rows, contract=late, features=name)
    assert found.measured("after_the_fact_dependence", "carrier").value == pytest.approx(1, abs=0.02)
    finer = build(tmp_path, rows, contract=CONTRACT | {"van": after}, features=name)
    assert (finer.measured("after_the_fact_dependence", "carrier").value or 0) < 0.9


def test_a_gap_that_follows_from_the_outcome_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = parcel_rows()
    rows["signed"] = np.where(rows["late"] == "true", np.nan, rows["weight"])
    code = "def transform(columns, state):\n    return {'signed': columns['signed'], 'w': columns['weight']}\n"
    contract = contract_with("signed", missing=0.5)
    built = build(tmp_path, rows, contract=contract, features=written(code, tmp_path, monkeypatch))
    assert (built.measured("outcome_told_by_missing", "signed").value or 0) > 0.9
    assert built.measured("outcome_told_by_missing", "w").value == 0


def test_an_oracle_shows_in_its_own_auc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = parcel_rows().assign(oracle=lambda rows: rows["late"].eq("true") + np.linspace(0, 0.5, len(rows)))
    code = "def transform(columns, state):\n    return {'oracle': columns['oracle']}\n"
    built = build(tmp_path, rows, contract=contract_with("oracle"), features=written(code, tmp_path, monkeypatch))
    assert built.measured("single_feature_auc", "oracle").value == 1


def test_infinities_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import numpy as np\ndef transform(columns, state):\n    bad = np.where(columns['pieces'] == 1, np.inf, 0.0)\n"
    )
    code += "    return {'w': columns['weight'], 'bad': bad}\n"
    built = build(tmp_path, features=written(code, tmp_path, monkeypatch))
    assert built.measured("non_finite_share").value == pytest.approx((parcel_rows()["pieces"] == 1).mean() / 2)


@pytest.mark.parametrize(
    ("feature", "value", "reason"),
    [
        ("columns['weight'] - columns['weight'].mean()", 1.0, ""),
        ("np.where(np.arange(len(columns['weight'])) % 3 == 1, np.nan, 0.0)", None, "missing on one path only"),
    ],
)
def test_a_feature_that_looks_at_other_rows_breaks_parity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feature: str, value: float | None, reason: str
) -> None:
    code = f"import numpy as np\ndef transform(columns, state):\n    return {{'x': {feature}}}\n"
    found = build(tmp_path, features=written(code, tmp_path, monkeypatch)).measured("parity_largest_difference")
    if value is None:
        assert found.value is None
        assert reason in found.reason
    else:
        assert (found.value or 0) > value


def test_a_transform_that_fails_without_a_value_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "def transform(columns, state):\n    return {'x': columns['weight'] + int(columns['pieces'][0])}\n"
    with pytest.raises(DataInvalid, match="transform failed on its data"):
        build(tmp_path, features=written(code, tmp_path, monkeypatch))


def test_the_state_is_plain_json(built: Built) -> None:
    content = built.parcels.store.read("features", built.features.record.digest, "state.json")
    assert set(json.loads(content)) == {"schema_version", "levels", "fitted"}
