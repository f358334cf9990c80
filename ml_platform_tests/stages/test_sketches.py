from __future__ import annotations

import base64
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from datasketches import kll_doubles_sketch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from ml_platform.core.errors import DataInvalid
from ml_platform.stages import sketches
from ml_platform.stages.profile_drift import compare_with_sketch, shared_row_share
from ml_platform.stages.sketch_bytes import (
    QUANTILE_K,
    distinct_of,
    joined_distinct,
    joined_quantiles,
    quantiles_of,
    read_distinct,
    read_quantiles,
)
from ml_platform.stages.sketches import merge, merge_all, sketch
from ml_platform.stages.snapshot import read_rows
from ml_platform.stages.snapshot_measurements import read_sketches
from ml_platform_tests.stages.parcels import CONTRACT, Parcels, parcel_rows, parcel_spec

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.policy.spec import ModelSpec

ERROR = 0.001


@functools.cache
def spec() -> ModelSpec:
    return parcel_spec(Path("rows.csv"))


def frame(n: int, seed: int = 1) -> pd.DataFrame:
    rows = parcel_rows(n, seed=seed)
    rng = np.random.default_rng(seed)
    times, gaps = pd.to_datetime(rows["sent"]), rng.random(n) < 0.1
    return rows.assign(
        sent=times, late=rows["late"] == "true", express=rows["express"] == "true", weight=rows["weight"].mask(gaps)
    )


def found(measured: list[Measurement], metric: str, subject: str) -> Measurement:
    return next(each for each in measured if (each.metric, each.subject) == (metric, subject))


def rank(text: str, at: float) -> float:
    quantiles = read_quantiles(text)
    return float(quantiles.weights[quantiles.values <= at].sum() / quantiles.weights.sum())


def test_a_sketch_is_plain_json_of_bounded_size() -> None:
    small, large = (json.dumps(sketch(spec(), frame(n))) for n in (20_000, 60_000))
    assert json.loads(small)["schema_version"] == 1
    assert len(large) < 1.5 * len(small)


def test_numbers_are_told_exactly_while_there_are_few() -> None:
    rows = frame(600)
    column = sketch(spec(), rows)["columns"]["weight"]
    weight = rows["weight"].dropna()
    assert (column["n"], column["missing"]) == (600, rows["weight"].isna().sum())
    assert column["moments"]["mean"] == pytest.approx(weight.mean())
    assert column["moments"]["squares"] / (weight.size - 1) == pytest.approx(weight.var())
    assert read_quantiles(column["quantiles"]).error == 0
    assert rank(column["quantiles"], float(weight.median())) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("n", [0, 1, 2, 500, 20_000])
def test_the_bytes_are_read_as_the_library_reads_them(n: int) -> None:
    rows = np.random.default_rng(n).normal(size=n)
    text = quantiles_of(rows)
    quantiles = read_quantiles(text)
    listed = list(kll_doubles_sketch.deserialize(base64.b64decode(text)))
    assert sorted(zip(quantiles.values.tolist(), quantiles.weights.tolist(), strict=True)) == sorted(listed)
    assert quantiles.weights.sum() == n


@hypothesis_settings(max_examples=8)
@given(st.integers(0, 1_000), st.lists(st.integers(0, 30_000), min_size=1, max_size=4))
def test_merged_parts_say_what_the_whole_says_in_any_order(seed: int, cuts: list[int]) -> None:
    rows = np.random.default_rng(seed).lognormal(size=30_000)
    parts = np.split(rows, sorted(cuts))
    for order in (parts, parts[::-1]):
        quantiles = functools.reduce(joined_quantiles, map(quantiles_of, order))
        distinct = functools.reduce(joined_distinct, [distinct_of(part.tolist()) for part in order])
        for share in (0.01, 0.3, 0.5, 0.99):
            assert rank(quantiles, float(np.quantile(rows, share))) == pytest.approx(share, abs=2 * ERROR)
        low, high = read_distinct(distinct)[1:]
        assert low * 0.97 <= np.unique(rows).size <= high * 1.03
        assert read_quantiles(quantiles).error <= ERROR


def test_merging_two_tables_is_sketching_both() -> None:
    first, second = frame(700, 1), frame(500, 2)
    whole, merged = (sketch(spec(), pd.concat([first, second])), merge(sketch(spec(), first), sketch(spec(), second)))
    assert merged["rows"] == whole["rows"] == 1_200
    for name, column in whole["columns"].items():
        other = merged["columns"][name]
        for key in ("type", "n", "missing", "levels", "other", "hidden"):
            assert other.get(key) == column.get(key), (name, key)
        assert read_distinct(other["distinct"])[0] == pytest.approx(read_distinct(column["distinct"])[0], rel=0.02)
        if "moments" in column:
            assert other["moments"] == pytest.approx(column["moments"])
    assert merge_all([sketch(spec(), first), sketch(spec(), second)]) == merged


def test_tables_without_values_are_sketched_and_merged() -> None:
    empty, some = sketch(spec(), frame(5).iloc[:0]), sketch(spec(), frame(400))
    assert merge(empty, empty)["columns"]["weight"]["moments"] == {"n": 0}
    assert merge(empty, some)["columns"]["weight"]["moments"] == some["columns"]["weight"]["moments"]
    assert "no rows" in shared_row_share(some, empty).reason


def test_rare_levels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketches, "MOST_LEVELS", 2)
    first, second = frame(600), frame(600, 9)
    column = merge(sketch(spec(), first), sketch(spec(), second))["columns"]["carrier"]
    counts = pd.concat([first, second])["carrier"].value_counts()
    assert len(column["levels"]) == 2
    for level, count in counts.items():
        kept = column["levels"].get(level, 0)
        assert kept <= count <= kept + column["hidden"]
    assert sum(column["levels"].values()) + column["other"] == 1_200


def test_of_entities_and_direct_identifiers_only_a_count_is_kept() -> None:
    contract = CONTRACT | {"number": CONTRACT["number"] | {"personal_data": "direct"}}
    said = parcel_spec(Path("rows.csv"), contract=contract)
    columns = sketch(said, frame(400))["columns"]
    for name in ("customer", "number"):
        assert set(columns[name]) == {"type", "n", "missing", "distinct"}
    assert read_distinct(columns["number"]["distinct"])[0] == pytest.approx(400, rel=0.05)


@pytest.mark.parametrize(
    "change", [{"schema_version": 2}, {"columns": {"weight": {"type": "category"}}}], ids=["version", "columns"]
)
def test_sketches_of_different_contracts_dont_merge(change: dict[str, Any]) -> None:
    one = sketch(spec(), frame(50))
    with pytest.raises(DataInvalid, match="sketch both tables anew under one contract"):
        merge(one, one | change)


@pytest.mark.parametrize("text", ["no base64!", "AAAA", ""])
def test_bytes_that_are_no_sketch_are_refused(text: str) -> None:
    with pytest.raises(DataInvalid, match="can't be read"):
        read_quantiles(text)


def test_drift_against_a_sketch_is_drift_against_the_rows() -> None:
    rows, batch = frame(40_000), frame(4_000, 7)
    batch["weight"] = batch["weight"] * 1.3
    batch["carrier"] = batch["carrier"].where(np.arange(4_000) % 5 > 0, "new")
    measured = list(compare_with_sketch(sketch(spec(), rows), batch))
    for name in ("weight", "pieces", "delay"):
        distance = found(measured, "kolmogorov_smirnov", name)
        exact = ks_2samp(rows[name].dropna(), batch[name].dropna(), method="asymp").statistic
        assert distance.value == pytest.approx(exact, abs=ERROR)
        assert (distance.low or 0) <= exact <= (distance.high or 1)
    levels = found(measured, "total_variation", "carrier")
    shares = [each["carrier"].value_counts(normalize=True) for each in (rows, batch)]
    assert levels.value == pytest.approx(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)
    missing = found(measured, "missing_share_difference", "weight")
    assert missing.value == pytest.approx(batch["weight"].isna().mean() - rows["weight"].isna().mean())


def test_a_column_that_the_batch_lacks_or_that_is_empty_is_undefined() -> None:
    reference, batch = sketch(spec(), frame(300)), frame(300, 2)
    measured = list(compare_with_sketch(reference, batch.drop(columns="weight").assign(delay=np.nan)))
    assert found(measured, "missing_share_difference", "weight").reason == "the batch has no such column"
    assert found(measured, "kolmogorov_smirnov", "delay").reason == "current has no values"


def test_rows_seen_before_are_estimated() -> None:
    rows = frame(3_000)
    batch = pd.concat([rows.iloc[:500], frame(1_500, 8)])
    share = shared_row_share(sketch(spec(), rows), sketch(spec(), batch))
    assert share.value == pytest.approx(0.25, abs=0.03)
    assert (share.low or 0) <= (share.value or 0) <= (share.high or 0)


def test_the_sketches_are_stored_with_the_snapshot(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    record = parcels.snapshot().snapshot.record
    stored = read_sketches(parcels.store, record)
    assert stored == json.loads(json.dumps(sketch(parcels.spec, read_rows(parcels.spec, parcels.store, record))))
    assert record.rows < QUANTILE_K
