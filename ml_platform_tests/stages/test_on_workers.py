"""Checks, descriptions and scores on several workers: what one process finds, to the bit, and what is never sent."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ml_platform.core.records import QuarantineRecord, SnapshotRecord
from ml_platform.learners.fold_loss import fold_loss, fold_outcome
from ml_platform.learners.lightgbm_native import fit
from ml_platform.learners.scorer import Scorer
from ml_platform.learners.workers import HERE, Workers
from ml_platform.policy.spec import Column, ModelSpec
from ml_platform.stages import snapshot
from ml_platform.stages import tune as tuning
from ml_platform.stages.column_parts import by_column
from ml_platform.stages.content_digest import content_digest
from ml_platform.stages.contract import Checked, check_contract, check_rows
from ml_platform.stages.profile import profile
from ml_platform.stages.row_blocks import joined, row_blocks
from ml_platform.stages.sketches import sketch
from ml_platform_tests.fakes.workers import FakeWorkers
from ml_platform_tests.learners.test_lightgbm_native import learner, rows
from ml_platform_tests.stages.parcels import CONTRACT, Parcels, parcel_rows, parcel_spec
from ml_platform_tests.stages.test_contract_stream import said_of, tables
from ml_platform_tests.stages.tuning_toy import tune_toy, tuned_spec

if TYPE_CHECKING:
    import pyarrow as pa

EXAMPLES = 20


def verdict(checked: Checked) -> tuple[Any, ...]:
    types = {str(name): _type_of(values) for name, values in checked.frame.items()}
    return (
        checked.reasons.tolist(),
        list(checked.broken.items()),
        list(checked.coerced.items()),
        content_digest(checked.accepted, types),
        content_digest(checked.frame, types),
        {str(name): str(kind) for name, kind in checked.frame.dtypes.items()},
    )


def _type_of(values: pd.Series) -> str:
    kinds = {"f": "number", "O": "category", "M": "datetime", "b": "boolean"}
    return kinds.get(values.dtype.kind, "integer")


@settings(deadline=None, max_examples=EXAMPLES)
@given(tables(), st.integers(2, 5))
def test_any_table_has_the_same_verdicts_on_any_number_of_workers(table: pa.Table, count: int) -> None:
    said = said_of(table)
    one, many = (check_rows("x", **said, frame=table.to_pandas(), workers=each) for each in (HERE, FakeWorkers(count)))
    assert verdict(many) == verdict(one)


def spoilt(n: int = 60) -> pd.DataFrame:
    """Return parcels of which some break a rule each, two of them repeated in another worker's block."""
    frame = parcel_rows(n).astype(object)
    for row, column, value in (
        (3, "weight", 1000), (n - 4, "weight", None), (9, "site", "east"), (n - 1, "number", 3), (20, "sent", "soon"),
        (n - 9, "express", "maybe"), (30, "pieces", 1.5), (31, "customer", None), (40, "late", None),
    ):  # fmt: skip
        frame.loc[row, column] = value
    return frame


def parcels_of(tmp_path: Path, **changes: Any) -> tuple[ModelSpec, pd.DataFrame]:
    spec = parcel_spec(tmp_path / "rows.csv", **changes)
    return spec, spoilt()


def test_refused_rows_profile_and_sketches_are_the_same(tmp_path: Path) -> None:
    spec, frame = parcels_of(tmp_path, contract=CONTRACT)
    there = FakeWorkers(3)
    one, many = (check_contract(spec, frame, workers=each) for each in (HERE, there))
    assert verdict(many) == verdict(one)
    assert int(many.refused.sum()) == 9
    assert many.broken["number: not unique"] == 1
    assert profile(spec, many.accepted, workers=there) == profile(spec, one.accepted)
    found, expected = sketch(spec, many.accepted, workers=there), sketch(spec, one.accepted)
    assert found == expected
    assert list(found["columns"]) == list(spec.contract)


def test_what_tells_of_persons_and_unique_columns_are_never_sent(tmp_path: Path) -> None:
    spec, frame = parcels_of(tmp_path, contract=CONTRACT)
    there = FakeWorkers(2)
    accepted = check_contract(spec, frame, workers=there).accepted
    checked = {name for doing, part in there.seen for name in part.columns if doing == "checking"}
    assert checked == set(CONTRACT) - {"number", "customer", "crew"}
    profile(spec, accepted, workers=there)
    described = [name for doing, part in there.seen for name in part.columns if doing == "describing"]
    assert sorted(described) == sorted(set(CONTRACT) - {"customer", "crew"})


def test_a_rule_with_a_column_about_persons_is_checked_here(tmp_path: Path) -> None:
    rules = {
        "known": {"kind": "compare", "left": "customer", "sign": ">", "right": "pieces"},
        "light": {"kind": "compare", "left": "weight", "sign": "<", "value": 5},
    }
    spec, frame = parcels_of(tmp_path, contract=CONTRACT, rules=rules)
    one, many = (check_contract(spec, frame, workers=each) for each in (HERE, FakeWorkers(2)))
    assert verdict(many) == verdict(one)
    assert many.broken["light"] > 0


def test_blocks_cover_the_rows_once_and_fewer_rows_than_workers_are_fewer_blocks() -> None:
    frame = pd.DataFrame({"a": range(3), "b": pd.Categorical(["x", "y", "z"])})
    blocks = row_blocks(frame, 5)
    assert [block["a"].tolist() for block in blocks] == [[0], [1], [2]]
    assert [block["b"].cat.categories.tolist() for block in blocks] == [["x"], ["y"], ["z"]]
    assert [len(block) for block in row_blocks(frame[:0], 2)] == [0]
    masks = [{"one": np.array([True])}, {}, {"two": np.array([True])}]
    assert {key: rows.tolist() for key, rows in joined(blocks, masks).items()} == {
        "one": [True, False, False],
        "two": [False, False, True],
    }


def test_fewer_columns_than_workers_and_none_at_all_are_described() -> None:
    contract = TypeAdapter(dict[str, Column]).validate_python({"a": {"type": "number"}})
    frame = pd.DataFrame({"a": [1.0]})
    assert by_column(lambda _, values: {"n": len(values)}, contract, frame, workers=FakeWorkers(4)) == {"a": {"n": 1}}
    assert by_column(lambda *_: {}, {}, frame, workers=FakeWorkers(4)) == {}


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("n", [0, 1, 401])
def test_scores_are_the_same_to_the_bit(count: int, n: int) -> None:
    scorer = Scorer(fit(learner(), rows()).text)
    values = rows(401, seed=4).values[:n]
    there = FakeWorkers(count)
    assert scorer.score(values, workers=there).tobytes() == scorer.score(values).tobytes()
    assert max(len(block) for _, block in there.seen) == -(-n // count)


def taken_on(folder: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> tuple[SnapshotRecord, Any]:
    monkeypatch.setattr(snapshot, "open_workers", lambda _: contextlib.nullcontext(workers))
    folder.mkdir()
    parcels = Parcels(folder, spoilt(600))
    taken = parcels.snapshot()
    record: QuarantineRecord = taken.quarantine.record
    digest = taken.snapshot.record.digest
    stored = [parcels.store.read("snapshots", digest, name) for name in ("profile.json", "sketches.json")]
    return taken.snapshot.record, (record.digest, taken.snapshot.measurements, taken.quarantine.measurements, stored)


def test_a_snapshot_taken_on_workers_is_the_one_taken_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = FakeWorkers(3)
    one = taken_on(tmp_path / "one", HERE, monkeypatch)
    many = taken_on(tmp_path / "many", there, monkeypatch)
    assert many == one
    assert {doing for doing, _ in there.seen} == {"checking", "describing"}


def test_a_study_on_workers_tries_and_chooses_what_one_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = FakeWorkers(2)
    spec = tuned_spec(trials=6, folds=3)
    one = tune_toy(tmp_path / "one", spec).record
    monkeypatch.setattr(tuning, "open_workers", lambda _: contextlib.nullcontext(there))
    many = tune_toy(tmp_path / "many", spec).record
    assert (many.digest, many.best, many.loss) == (one.digest, one.best, one.loss)
    assert 7 * 2 <= len(there.seen) <= 7 * 3
    assert {doing for doing, _ in there.seen} == {"tuning"}


def test_a_fold_that_can_t_be_trained_on_says_why() -> None:
    fold = (rows(), rows(100, seed=2))
    assert fold_outcome(fold, learner()) == fold_loss(learner(), *fold)
    assert "LightGBM can't train with them" in str(fold_outcome(fold, learner(parameters={"num_leaves": 1})))
