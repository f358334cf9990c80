"""Every kind of fault is planted where it belongs, the same way each time, and never into what was given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.faults.catalogue import FAULTS
from ml_platform.stages.faults.fault import Aim, Scene, Severity
from ml_platform.stages.faults.inject import FaultyBatch, inject
from ml_platform_tests.stages.faults.table import table

BATCH = table(seed=1)
SCENE = Scene.of(table(seed=2), target="late")
AIMS = {kind: fault.aims(SCENE, np.random.default_rng(3)) for kind, fault in FAULTS.items()}


def planted(kind: str, severity: Severity, aim: Aim | None = None, seed: int = 4) -> FaultyBatch:
    return inject(BATCH, kind, severity=severity, rng=np.random.default_rng(seed), scene=SCENE, aim=aim)


def test_there_are_at_least_two_dozen_kinds_and_each_has_a_place_here() -> None:
    assert len(FAULTS) >= 24
    assert [kind for kind, aims in AIMS.items() if not aims] == []


@pytest.mark.parametrize("kind", FAULTS)
def test_a_batch_stays_as_it_is_and_the_same_seed_plants_the_same(kind: str) -> None:
    before, types = BATCH.copy(deep=True), list(BATCH.dtypes)
    for aim in AIMS[kind]:
        first, second = planted(kind, Severity.MEDIUM, aim), planted(kind, Severity.MEDIUM, aim)
        assert first.frame.equals(second.frame)
        assert first.rows_touched == second.rows_touched
    pd.testing.assert_frame_equal(BATCH, before)
    assert list(BATCH.dtypes) == types


@pytest.mark.parametrize("kind", FAULTS)
def test_a_large_fault_changes_something_and_leaves_other_columns_alone(kind: str) -> None:
    touched = []
    for aim in AIMS[kind]:
        found = planted(kind, Severity.LARGE, aim)
        touched.append(found.rows_touched)
        if len(found.frame) == len(BATCH):
            others = [name for name in BATCH.columns if name not in aim.columns]
            assert found.frame[others].equals(BATCH[others])
    assert max(touched) > 0


@pytest.mark.parametrize("kind", FAULTS)
def test_sizes_grow_or_stay_in_their_order(kind: str) -> None:
    assert len(set(FAULTS[kind].sizes)) == 3
    assert list(FAULTS[kind].sizes) in (sorted(FAULTS[kind].sizes), sorted(FAULTS[kind].sizes, reverse=True))


def test_a_share_of_the_rows_is_what_is_touched() -> None:
    aim = Aim(columns=("amount",))
    assert [planted("missing_at_random", severity, aim).rows_touched for severity in Severity] == [4, 40, 160]


def test_whole_numbers_stay_whole_and_become_floats_only_where_some_are_missing() -> None:
    scaled = planted("unit_changed", Severity.MEDIUM, Aim(columns=("visits",))).frame["visits"]
    assert scaled.dtype == BATCH["visits"].dtype
    lost = planted("missing_at_random", Severity.MEDIUM, Aim(columns=("visits",))).frame["visits"]
    assert lost.dtype == np.float64
    assert int(lost.isna().sum()) == 40


def test_a_new_level_is_one_that_was_never_seen() -> None:
    for name in ("city", "shop", "grade"):
        found = planted("level_unseen", Severity.MEDIUM, Aim(columns=(name,))).frame[name]
        assert len(set(found.dropna()) - set(BATCH[name])) == 1


def test_an_accent_read_in_the_wrong_encoding_is_two_signs() -> None:
    found = planted("level_mojibake", Severity.LARGE, Aim(columns=("city",))).frame["city"]
    assert "SÃ£o Paulo" in set(found)


def test_a_place_is_picked_by_chance_where_none_is_named() -> None:
    columns = {planted("noised", Severity.SMALL, seed=seed).columns for seed in range(20)}
    assert columns == {("amount",), ("twice",), ("visits",), ("optional",)}


def test_without_a_scene_the_batch_is_the_scene() -> None:
    found = inject(BATCH, "rows_duplicated", severity=Severity.LARGE, rng=np.random.default_rng(5))
    assert len(found.frame) == 520


def test_a_kind_that_isnt_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(DataInvalid, match=r"there is no kind 'nois'; known: .*noised"):
        planted("nois", Severity.SMALL)


def test_a_kind_without_a_place_is_refused() -> None:
    with pytest.raises(DataInvalid, match="time_zone has no place in these rows"):
        inject(BATCH[["amount"]], "time_zone", severity=Severity.SMALL, rng=np.random.default_rng(6))


def test_a_slice_of_lost_rows_is_gone_and_a_grown_one_has_its_odds() -> None:
    (aim,) = [aim for aim in AIMS["slice_lost"] if aim.columns == ("city",)]
    assert aim.slice is not None
    assert not aim.slice.rows(planted("slice_lost", Severity.LARGE, aim).frame).any()
    grown = aim.slice.rows(planted("slice_grown", Severity.MEDIUM, aim).frame).mean()
    before = aim.slice.rows(BATCH).mean()
    assert grown / (1 - grown) == pytest.approx(2 * before / (1 - before), rel=0.02)
