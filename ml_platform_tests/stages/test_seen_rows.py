from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import Candidate, FeaturesRecord, ReleaseRecord
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.parquet import parquet_bytes
from ml_platform.stages.seen_rows import FEWEST, Seen, seen_rows
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.toy import NOW, stored, stored_split, toy_matrix, toy_rows, toy_spec

SHARES = {"train": "0.5 of the entities", "holdout": "0.2 of the entities"}
END = "2024-06-01T00:00:00+00:00"


@dataclasses.dataclass(frozen=True)
class World:
    store: FakeStore
    spec: ModelSpec
    features: FeaturesRecord
    matrix: Matrix

    def seen(self, split_digest: str) -> Seen:
        digests = {each.name: "0" * 64 for each in dataclasses.fields(Candidate)} | {"split_digest": split_digest}
        champion = ReleaseRecord(
            model="toy",
            version=2,
            candidate=Candidate(**digests),
            evidence_digest="1" * 64,
            policy_digest="2" * 64,
            released_at=NOW,
            released_by="ann",
        )
        return seen_rows(self.spec, store=self.store, champion=champion, features=self.features, matrix=self.matrix)

    def seen_until(self, day: str) -> Seen:
        return self.seen(stored_split(self.store, {"holdout": day, "end": END}))


@pytest.fixture
def world(tmp_path: Path) -> World:
    store, spec = FakeStore(tmp_path), toy_spec()
    matrix = toy_matrix(toy_rows())
    return World(store, spec, stored(store, spec, matrix=matrix)[0], matrix)


def test_rows_from_before_the_champions_holdout_were_seen(world: World) -> None:
    seen = world.seen_until("2024-04-15T00:00:00+00:00")
    times = world.matrix.part_of("holdout").time
    assert times is not None
    assert seen.rows.tolist() == (times < np.datetime64("2024-04-15")).tolist()
    assert seen.rows.sum() == 50


def test_the_champions_own_holdout_was_not_seen(world: World) -> None:
    assert not world.seen_until("2024-04-10T00:00:00+00:00").rows.any()


def test_a_boundary_in_another_zone_is_the_same_moment(world: World) -> None:
    assert not world.seen_until("2024-04-10T02:00:00+02:00").rows.any()
    assert world.seen_until("2024-04-10T02:00:00+00:00").rows.sum() == 1


def test_the_refusal_says_what_was_seen_and_from_when_on_rows_are_new(world: World) -> None:
    said = world.seen_until("2024-04-15T00:00:00+00:00").refusal(world.matrix.part_of("holdout").target)
    assert said == (
        "the live version v2 was trained and tuned on rows up to 2024-04-15, the holdout starts 2024-04-10: comparing "
        "would be in-sample (150 of the 200 holdout rows are new to it and 200 of both classes needed); release on "
        "newer rows (as_of 2024-05-05 or later)"
    )


@pytest.mark.parametrize("boundary", ["", "soon", "2024-04-15T00:00:00"])
def test_an_unclear_boundary_establishes_nothing(world: World, boundary: str) -> None:
    with pytest.raises(DataInvalid, match="can't be established"):
        world.seen_until(boundary)


def test_a_champion_without_its_split_establishes_nothing(world: World) -> None:
    with pytest.raises(DataInvalid, match="isn't in the store"):
        world.seen("9" * 64)


def test_enough_new_rows_of_both_classes_can_be_compared() -> None:
    target = np.tile([0.0, 1.0], FEWEST)
    rows = np.arange(target.size) < FEWEST
    assert Seen(rows, "seen", "wait").refusal(target) == ""
    assert Seen(rows, "seen", "wait").refusal(np.where(rows, target, 1.0)) != ""
    assert Seen(np.arange(target.size) <= FEWEST, "seen", "wait").refusal(target) != ""


def test_a_small_holdout_that_was_not_seen_is_compared_as_it_is() -> None:
    assert Seen(np.zeros(3, dtype=np.bool_), "seen", "wait").refusal(np.array([0.0, 1.0, 1.0])) == ""


def by_person(used: np.ndarray) -> np.ndarray:
    persons = toy_rows()["person"].to_numpy(dtype=np.int64)
    return np.where(np.isin(persons, used), "train", "holdout")


def test_rows_of_entities_that_the_champion_used_were_seen(world: World) -> None:
    used = np.arange(100)
    seen = world.seen(stored_split(world.store, SHARES, parts=by_person(used)))
    persons = toy_rows()["person"].to_numpy(dtype=np.int64)[world.matrix.part == "holdout"]
    assert seen.rows.tolist() == np.isin(persons, used).tolist()
    assert seen.rows.any()


def test_entities_that_were_all_held_out_were_not_seen(world: World) -> None:
    held = toy_rows()["person"].to_numpy(dtype=np.int64)[world.matrix.part == "holdout"]
    others = np.setdiff1d(toy_rows()["person"].to_numpy(dtype=np.int64), held)
    assert not world.seen(stored_split(world.store, SHARES, parts=by_person(others))).rows.any()


def test_a_champions_snapshot_that_is_gone_or_has_no_entity_establishes_nothing(world: World) -> None:
    parts = by_person(np.arange(100))
    with pytest.raises(DataInvalid, match="isn't in the store"):
        world.seen(stored_split(world.store, SHARES, parts=parts, snapshot="e" * 64))
    world.store.put("snapshots", "f" * 64, {"data.parquet": parquet_bytes(pd.DataFrame({"load": [1.0]}))})
    with pytest.raises(DataInvalid, match="has no column person"):
        world.seen(stored_split(world.store, SHARES, parts=parts, snapshot="f" * 64))
