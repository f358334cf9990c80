from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from ml_platform.policy.spec import Column
from ml_platform.stages import profile as profiles
from ml_platform.stages.coerce import ColumnType, coerce
from ml_platform.stages.profile import OTHER, counts_against, describe, profile
from ml_platform.stages.snapshot import read_rows
from ml_platform_tests.stages.parcels import CONTRACT, Parcels, parcel_rows

if TYPE_CHECKING:
    from pathlib import Path


def described(values: list[Any], kind: ColumnType, **column: Any) -> dict[str, Any]:
    said = Column.model_validate_json(json.dumps({"type": kind, **column}))
    return describe(said, coerce(pd.Series(values, dtype=object), kind)[0])


def test_numbers_are_told_by_quantiles_and_a_histogram() -> None:
    found = described([*range(1, 101), None], "number")
    assert {key: found[key] for key in ("n", "missing", "distinct", "least", "greatest", "mean")} == {
        "n": 101, "missing": 1, "distinct": 100, "least": 1.0, "greatest": 100.0, "mean": 50.5,
    }  # fmt: skip
    assert found["quantiles"]["0.5"] == pytest.approx(50.5, abs=1)
    assert found["counts"] == [10] * 10 + [1]


def test_categories_are_told_by_level() -> None:
    found = described(["b", "a", "b", None], "category")
    assert found == {"type": "category", "n": 4, "missing": 1, "distinct": 2, "levels": {"b": 2, "a": 1}}
    assert described([True, False, True], "boolean")["levels"] == {"True": 2, "False": 1}


def test_rare_levels_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "MOST_LEVELS", 2)
    assert described(list("aaabbcd"), "category")["levels"] == {"a": 3, "b": 2, OTHER: 2}


@pytest.mark.parametrize("kind", ["integer", "number", "category", "boolean", "datetime"])
def test_a_column_without_values_has_a_profile(kind: ColumnType) -> None:
    found = described([None, None], kind)
    assert (found["n"], found["missing"], found["distinct"]) == (2, 2, 0)


def test_times_are_told_by_their_bounds() -> None:
    found = described(["2024-01-01", "2024-03-01T00:00:00Z"], "datetime")
    assert (found["least"], found["greatest"]) == ("2024-01-01T00:00:00+00:00", "2024-03-01T00:00:00+00:00")


def test_personal_data_are_told_sparingly() -> None:
    assert set(described([1, 2], "integer", role="entity")) == {"type", "n", "missing", "distinct"}
    assert set(described(["a", "b"], "category", personal_data="direct")) == {"type", "n", "missing", "distinct"}
    quasi = described([17, 99], "number", personal_data="quasi")
    assert not {"least", "greatest"} & set(quasi)


def test_new_values_are_counted_in_the_profiles_cells() -> None:
    numbers = described([*range(100), None], "number")
    assert counts_against(numbers, pd.Series([0.0, 99.0, np.nan])) == (
        [10] * 10 + [1],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1],
    )
    levels = described(["a", "a", "b", None], "category")
    now = pd.Series(pd.Categorical(["a", "new", None, None]))
    assert counts_against(levels, now) == ([2, 1, 0, 1], [1, 0, 1, 2])
    assert counts_against(described(["2024-01-01"], "datetime"), now) is None


def test_a_profile_is_stored_with_the_snapshot_as_plain_json(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    record = parcels.snapshot().snapshot.record
    stored = json.loads(parcels.store.read("snapshots", record.digest, "profile.json"))
    assert stored == json.loads(json.dumps(profile(parcels.spec, read_rows(parcels.spec, parcels.store, record))))
    assert list(stored["columns"]) == sorted(CONTRACT)
    assert stored["rows"] == len(parcel_rows())
