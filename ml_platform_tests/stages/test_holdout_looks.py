"""Looks at the holdout: each other model is one, whatever else changes; a repeated one is none."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from ml_platform.core.errors import Unavailable
from ml_platform.core.measurement import Measurement
from ml_platform.stages.holdout_looks import KIND, LOOKED, look
from ml_platform.stages.matrix import Matrix
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.toy import NOW, toy_matrix, toy_rows


@pytest.fixture
def store(tmp_path: Path) -> FakeStore:
    return FakeStore(tmp_path)


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


def holdout(n: int = 3000, *, seed: int = 5) -> Matrix:
    return toy_matrix(toy_rows(n, seed=seed)).part_of("holdout")


def looked(store: FakeStore, ledger: FakeLedger, digest: str, rows: Matrix | None = None) -> Measurement:
    rows = holdout() if rows is None else rows
    return look(rows, store=store, ledger=ledger, model="toy", model_digest=digest, actor="ann", now=NOW)


def test_each_other_model_is_a_look_and_a_repeated_one_is_none(store: FakeStore, ledger: FakeLedger) -> None:
    assert [looked(store, ledger, digest).value for digest in "abacab"] == [1, 2, 1, 3, 1, 2]
    assert [entry.action for entry in ledger.entries] == [LOOKED] * 3
    assert {entry.subject for entry in ledger.entries} == {"toy/holdout"}


def test_the_confidence_that_the_intervals_need_is_said(store: FakeStore, ledger: FakeLedger) -> None:
    found = [looked(store, ledger, str(place)) for place in range(20)]
    assert (found[0].facts["confidence"], found[0].facts["wider"]) == (0.95, 1.0)
    assert found[19].facts["confidence"] == 0.9975
    assert found[19].facts["wider"] == pytest.approx(3.0233 / 1.95996, abs=1e-3)


def test_other_features_of_the_same_rows_are_the_same_holdout(store: FakeStore, ledger: FakeLedger) -> None:
    looked(store, ledger, "a")
    rows = holdout()
    other = dataclasses.replace(rows, values=rows.values[:, :1] + 1, names=rows.names[:1], categorical=())
    assert looked(store, ledger, "b", other).value == 2


def test_a_few_new_or_erased_rows_make_no_holdout_fresh(store: FakeStore, ledger: FakeLedger) -> None:
    rows = holdout()
    looked(store, ledger, "a", rows)
    assert looked(store, ledger, "b", rows.rows_of(np.arange(rows.target.size) >= 100)).value == 2
    assert looked(store, ledger, "c", rows.rows_of(np.arange(rows.target.size) < 700)).value == 3


def test_new_rows_are_a_fresh_holdout(store: FakeStore, ledger: FakeLedger) -> None:
    rows = holdout()
    looked(store, ledger, "a", rows)
    assert looked(store, ledger, "b", holdout(seed=6)).value == 1
    assert rows.time is not None
    later = dataclasses.replace(rows, time=rows.time + np.timedelta64(60, "D"))
    assert looked(store, ledger, "c", later).value == 1
    assert looked(store, ledger, "d", rows).value == 2


def test_an_earlier_holdout_that_nobody_can_compare_counts_as_the_same(store: FakeStore, ledger: FakeLedger) -> None:
    looked(store, ledger, "a", holdout(seed=6))
    shutil.rmtree(store.home / KIND)
    assert looked(store, ledger, "b").value == 2


def test_another_model_name_has_its_own_count(store: FakeStore, ledger: FakeLedger) -> None:
    looked(store, ledger, "a")
    rows = holdout()
    found = look(rows, store=store, ledger=ledger, model="other", model_digest="b", actor="ann", now=NOW)
    assert found.value == 1


def test_a_look_that_can_not_be_written_down_is_not_taken(store: FakeStore) -> None:
    class Locked(FakeLedger):
        def append(self, *_: object, **__: object) -> None:  # type: ignore[override]
            raise Unavailable("locked")

    with pytest.raises(Unavailable):
        looked(store, Locked(), "a")


def test_without_entities_time_tells_holdouts_apart(store: FakeStore, ledger: FakeLedger) -> None:
    one = dataclasses.replace(holdout(), entity=None)
    assert one.time is not None
    looked(store, ledger, "a", one)
    later = dataclasses.replace(one, time=one.time + np.timedelta64(60, "D"))
    assert looked(store, ledger, "b", later).value == 1


def test_without_times_entities_tell_holdouts_apart(store: FakeStore, ledger: FakeLedger) -> None:
    one = dataclasses.replace(holdout(), time=None)
    assert one.entity is not None
    looked(store, ledger, "a", one)
    others = dataclasses.replace(one, entity=one.entity + np.uint64(1_000_000))
    assert looked(store, ledger, "b", others).value == 1
