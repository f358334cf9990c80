"""Inspection finds what is wrong with a batch, says what it could have found, and keeps quiet otherwise."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_platform import inspect_batch
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import make_policy
from ml_platform.policy.shipped import shipped_policy
from ml_platform.stages.infer_contract import infer_contract
from ml_platform.stages.inspection.dependence import pairs
from ml_platform.stages.inspection.inspect import CONDITIONS
from ml_platform.stages.inspection.make_tables import make_tables
from ml_platform_tests.stages.inspection.parcels_table import parcels, risk_of

Fault = Callable[[pd.DataFrame], pd.DataFrame]
REFERENCE = parcels(3000, 1)
BATCH = parcels(800, 2)
RNG = np.random.default_rng(12)


def put(name: str, rows: slice, value: object) -> Fault:
    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[name].astype(object if isinstance(value, str) else float).to_numpy(copy=True)
        values[rows] = value
        return frame.assign(**{name: values})

    return fault


def change(name: str, rows: slice, how: Callable[[pd.Series], object]) -> Fault:
    def fault(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[name].to_numpy(copy=True)
        values[rows] = how(frame[name].iloc[rows])
        return frame.assign(**{name: values})

    return fault


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns={"price": "paid", "paid": "price"})


FAULTS: dict[str, tuple[Fault, str]] = {
    "a column is gone": (lambda frame: frame.drop(columns="hour"), "schema"),
    "a column is new": (lambda frame: frame.assign(extra=1), "schema"),
    "numbers came as text": (lambda frame: frame.assign(price=frame["price"].astype(str)), "schema"),
    "whole numbers came as fractions": (put("hour", slice(3, 4), 2.5), "schema"),
    "whole numbers came as fractions, some missing": (put("hour", slice(3, 5), [2.5, np.nan]), "schema"),
    "times lost their zone": (lambda frame: frame.assign(packed=frame["packed"].dt.tz_localize(None)), "schema"),
    "values are of mixed types": (lambda frame: frame.assign(city=[5, *frame["city"].iloc[1:]]), "schema"),
    "a level is written in capitals": (put("city", slice(3, 4), "BERGEN"), "misspelling"),
    "a level has a blank": (put("city", slice(3, 4), "Bergen "), "misspelling"),
    "a letter is missing": (put("city", slice(3, 5), "Dresdn"), "misspelling"),
    "two letters are swapped": (put("city", slice(3, 5), "Drseden"), "misspelling"),
    "a letter is another": (put("city", slice(3, 5), "Drezden"), "misspelling"),
    "a level is cut off": (put("city", slice(3, 5), "Amster"), "misspelling"),
    "a level was read in the wrong encoding": (put("city", slice(3, 4), "CÃ³rdoba"), "misspelling"),
    "a sign was lost on the way": (put("city", slice(3, 4), "C\ufffdrdoba"), "misspelling"),
    "the clock is three hours off": (
        lambda frame: frame.assign(packed=frame["packed"].dt.normalize() + pd.Timedelta(hours=3)), "distribution",
    ),
    "a new level": (put("city", slice(0, 20), "Zzyzx"), "levels"),
    "a rare new level": (put("city", slice(0, 6), "Zzyzx"), "rare_levels"),
    "a code beyond the last": (put("hour", slice(0, 5), 24), "rare_levels"),
    "a word for a missing value": (put("city", slice(0, 6), "unknown"), "placeholder"),
    "a slipped sign": (change("weight", slice(0, 6), lambda values: -values), "sign"),
    "codes that never went together": (
        change("km", slice(0, 40), lambda values: values.map({120.0: 940.5}).fillna(120.0)), "rare_combinations",
    ),
    "numbers clipped": (
        change("weight", slice(None), lambda values: values.clip(upper=values.nlargest(25).min())), "distribution",
    ),
    "a sentinel": (put("weight", slice(0, 12), -999.0), "distribution"),
    "times of another year": (change("packed", slice(0, 4), lambda times: times - pd.Timedelta(days=400)), "extremes"),
    "one slipped decimal point": (put("weight", slice(4, 5), 90_000.0), "extremes"),
    "a default": (put("weight", slice(0, 80), 1.5), "levels"),
    "another unit": (change("weight", slice(None), lambda values: values * 2.2046), "distribution"),
    "missing values": (put("weight", slice(0, 25), np.nan), "missing"),
    "values rounded": (change("weight", slice(0, 200), lambda values: values.round(0)), "precision"),
    "another way of writing": (change("note", slice(0, 90), lambda values: values.str.title()), "format"),
    "rows came twice": (lambda frame: pd.concat([frame, frame.iloc[:60]], ignore_index=True), "duplicate_rows"),
    "rows of the reference": (
        lambda frame: pd.concat([frame, REFERENCE.iloc[:120]], ignore_index=True), "reference_rows",
    ),
    "values used again": (change("packed", slice(1, 60, 2), lambda _: BATCH["packed"][0:59:2]), "repeated_values"),
    "a stuck value": (put("hour", slice(100, 160), 9), "standstill"),
    "a stuck value with gaps": (
        lambda frame: put("weight", slice(100, 200), 12.5)(frame).pipe(put("weight", slice(103, 200, 20), np.nan)),
        "standstill",
    ),
    "infinite values": (put("weight", slice(3, 5), np.inf), "extremes"),
    "times ten years ahead": (
        lambda frame: frame.assign(packed=frame["packed"] + pd.Timedelta(days=3653)), "distribution",
    ),
    "zones in some rows only": (
        lambda frame: frame.assign(
            packed=[one.tz_localize(None) if row % 3 else one for row, one in enumerate(frame["packed"])]
        ),
        "schema",
    ),
    "columns swapped": (swapped, "residual"),
    "a shuffled column": (change("price", slice(None), lambda values: values.iloc[::-1]), "dependence"),
    "a join with the wrong rows": (change("km", slice(0, 200), lambda values: values.iloc[::-1]), "decides"),
    "an order that is broken": (change("paid", slice(0, 40), lambda values: values / 2), "order"),
    "a slice that is lost": (lambda frame: frame[(frame["city"] != "Amsterdam") | (frame["hour"] < 15)], "combination"),
    "labels flipped in a slice": (
        lambda frame: frame.assign(late=(frame["late"] + (frame["city"] == "Amsterdam")) % 2), "label",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_named(name: str) -> None:
    fault, kind = FAULTS[name]
    found = inspect_batch(REFERENCE, fault(BATCH), target="late")
    assert not found.passed
    assert kind in {finding.kind for finding in found.findings}
    assert all(0 <= finding.p_value <= found.alpha and finding.effect > 0 for finding in found.findings)


def test_one_impossible_value_condemns_no_large_batch() -> None:
    large = parcels(3000, 4)
    assert inspect_batch(REFERENCE, put("weight", slice(4, 5), 90_000.0)(large), target="late").passed
    found = inspect_batch(REFERENCE, put("weight", slice(4, 7), 90_000.0)(large), target="late")
    assert "extremes" in {finding.kind for finding in found.findings}
    wild = put("weight", slice(4, 260), 1e300)(put("weight", slice(300, 301), 1e305)(large))
    (told,) = (one for one in inspect_batch(REFERENCE, wild).findings if one.kind == "extremes")
    assert 128 / 3000 < told.effect <= 257 / 3000


def test_durations_are_no_plain_numbers_and_halves_of_a_precision_no_fault() -> None:
    spans = REFERENCE.assign(km=pd.to_timedelta(REFERENCE["km"], unit="h"))
    assert [one.kind for one in inspect_batch(spans, BATCH, target="late").findings] == ["schema"]
    single = REFERENCE.assign(price=REFERENCE["price"].astype("float32"), weight=REFERENCE["weight"].astype("float32"))
    assert inspect_batch(single, BATCH, target="late").passed


def test_a_column_that_lost_its_values_makes_no_repeated_rows() -> None:
    before, now = (
        pd.DataFrame({"city": RNG.choice(list("abcd"), rows), "price": RNG.normal(size=rows)}) for rows in (2000, 600)
    )
    found = inspect_batch(before, now.assign(price=np.nan))
    assert {"missing"} <= {one.kind for one in found.findings}
    assert "duplicate_rows" not in {one.kind for one in found.findings}
    twice = pd.concat([now, now.iloc[:60]]).assign(more=np.nan)
    told = inspect_batch(before.assign(more=RNG.normal(size=2000)), twice)
    assert "duplicate_rows" in {one.kind for one in told.findings}


def test_findings_are_said_with_what_goes_with_them() -> None:
    found = inspect_batch(REFERENCE, put("price", slice(None), np.nan)(BATCH))
    assert len(found.findings) > 2
    lines = str(found).splitlines()
    assert len([line for line in lines if "of price" in line]) == 1
    assert "; with it: " in lines[1]


@pytest.mark.parametrize("rows", [500, 1200])
def test_sound_batches_are_left_alone(rows: int) -> None:
    passed = [inspect_batch(REFERENCE, parcels(rows, seed), target="late").passed for seed in range(10, 22)]
    assert sum(passed) >= 11


def test_a_letter_wrong_in_codes_with_many_neighbours_is_counted() -> None:
    rng = np.random.default_rng(4)
    codes = np.array([f"{a}{b}{c}" for a in "ABCD" for b in "KLMN" for c in "XYZ"], dtype=object)
    before, now = (pd.DataFrame({"port": rng.choice(codes, rows)}) for rows in (4000, 1000))
    assert inspect_batch(before, now).passed
    now.loc[:6, "port"] = [f"{code[:2]}{letter}" for code, letter in zip(now.loc[:6, "port"], "QRSTUVW", strict=True)]
    assert "near_levels" in {finding.kind for finding in inspect_batch(before, now).findings}


@pytest.mark.parametrize(
    ("value", "smallest", "outcome"),
    [
        (0.0, 0.01, Outcome.PASSED),  # at the limit
        (1e-9, 0.01, Outcome.FAILED),
        (0.2, 0.01, Outcome.FAILED),
        (float("nan"), 0.01, Outcome.UNDECIDED),
        (None, 0.01, Outcome.UNDECIDED),
        (0.0, 0.6, Outcome.UNDECIDED),  # too few rows
        (0.0, None, Outcome.UNDECIDED),
    ],
)
def test_the_gate_on_new_values_opens_for_none_alone(
    value: float | None, smallest: float | None, outcome: Outcome
) -> None:
    policy = shipped_policy()
    gate = {"values_were_known": policy.gates["values_were_known"]}
    told = Measurement(
        metric="batch_new_values", value=value, n=800, reason="" if value is not None else "no rows",
        facts={"smallest_detectable": smallest},
    )  # fmt: skip
    (verdict,) = judge(
        make_policy(gate, (), policy.approvals, policy.packs), "snapshot", (told,),
        conditions=CONDITIONS, now=dt.datetime(2024, 5, 1, tzinfo=dt.UTC),
    )  # fmt: skip
    assert verdict.outcome is outcome
    (absent,) = judge(
        make_policy(gate, (), policy.approvals, policy.packs), "snapshot", (),
        conditions=CONDITIONS, now=dt.datetime(2024, 5, 1, tzinfo=dt.UTC),
    )  # fmt: skip
    assert absent.outcome is Outcome.UNDECIDED


def test_times_written_in_several_ways_are_a_finding_and_no_crash() -> None:
    told = BATCH["packed"].dt.strftime("%Y-%m-%d %H:%M:%S%z").astype(object)
    told.iloc[::3] = BATCH["packed"].dt.strftime("%d.%m.%y").iloc[::3]
    found = inspect_batch(REFERENCE, BATCH.assign(packed=told))
    assert {finding.kind for finding in found.findings} == {"schema"}


def test_whole_numbers_that_came_as_fractions_type_are_no_fault() -> None:
    assert inspect_batch(REFERENCE, BATCH.assign(hour=BATCH["hour"].astype(float)), target="late").findings == ()


def test_sound_batches_in_order_of_time_are_left_alone() -> None:
    before, now = (frame.sort_values("packed", ignore_index=True) for frame in (REFERENCE, BATCH))
    assert inspect_batch(before, now).passed
    for name in ("city", "km", "hour"):
        assert inspect_batch(REFERENCE, now.sort_values(name)).passed


def test_rows_that_lie_in_clusters_and_in_order_are_dealt_at_random_too() -> None:
    rng = np.random.default_rng(3)
    weather = pd.DataFrame({"wind": rng.gamma(2, 4, 60).round(1), "rain": rng.gamma(1, 2, 60).round(1)})
    hours = weather.loc[np.sort(rng.integers(0, 60, 3000))].reset_index(drop=True)
    hours["gust"] = (hours["wind"] * 1.5 + hours["rain"]).round(0)
    chances = []
    for seed in range(25):
        mine = np.random.default_rng(seed).random(len(hours)) < 0.5
        names = list(hours.columns)
        tables = make_tables(hours[~mine], hours[mine], dict.fromkeys(names, "number"))
        chances += [one.p_value * len(names) for one in pairs(tables)]
    assert (np.array(chances) < 0.01).sum() <= 4


def test_labels_that_no_longer_agree_with_the_scores_are_found() -> None:
    flipped = BATCH.assign(late=np.where(np.arange(len(BATCH)) % 5 == 0, 1 - BATCH["late"], BATCH["late"]))
    scores = (risk_of(REFERENCE), risk_of(BATCH))
    sound = inspect_batch(REFERENCE, BATCH, target="late", scores=scores)
    found = inspect_batch(REFERENCE, flipped, target="late", scores=scores)
    assert sound.passed
    assert "label" in {finding.kind for finding in found.findings}


def test_with_a_contract_rows_that_break_it_are_findings_and_identities_are_left_out() -> None:
    contract = infer_contract(REFERENCE, target="late")
    late = put("hour", slice(0, 60), 55.0)(BATCH).assign(hour=lambda frame: frame["hour"].astype(int))
    found = inspect_batch(REFERENCE, late, contract=contract)
    told = [finding for finding in found.findings if finding.kind == "contract"]
    assert [(one.columns, one.effect, one.p_value) for one in told] == [(("hour",), 60 / 800, 0.0)]
    assert "contract of hour: 7.5 % of the rows (a hard rule; out of range)" in str(found)
    few = put("hour", slice(0, 6), 55.0)(BATCH).assign(hour=lambda frame: frame["hour"].astype(int))
    tolerated = inspect_batch(REFERENCE, few, contract=contract)
    assert "contract" not in {finding.kind for finding in tolerated.findings}
    assert inspect_batch(REFERENCE, BATCH, contract=contract).passed
    assert not inspect_batch(REFERENCE, BATCH.iloc[:0], contract=contract).passed


def test_a_counter_and_a_clock_that_run_on_are_no_fault() -> None:
    before, now = (
        frame.assign(number=np.arange(start, start + len(frame)), packed=frame["packed"] + pd.Timedelta(days=40 * at))
        for at, (frame, start) in enumerate(((REFERENCE, 0), (BATCH, 5000)))
    )
    assert inspect_batch(before, now).passed
    assert not inspect_batch(before, now.assign(number=5000)).passed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target": "lat"}, "target is 'lat', which neither table has as a column. Did you mean 'late'?"),
        ({"target": "nope"}, "target is 'nope', which neither table has as a column"),
        ({"scores": [1, 2, 3], "target": "late"}, "scores needs a pair"),
        ({"policy": "flights"}, "policy is a str; a Policy is needed"),
        ({"alpha": 0}, "alpha is 0; a probability between 0 and 1 is needed"),
        ({"alpha": 2.0}, "alpha is 2.0; a probability"),
        ({"alpha": "x"}, "alpha is 'x'; a probability"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_words(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DataInvalid, match=re.escape(words)):
        inspect_batch(REFERENCE, BATCH, **arguments)


def test_a_label_that_is_gone_is_a_finding_and_scores_alone_are_compared_too() -> None:
    gone = inspect_batch(REFERENCE, BATCH.drop(columns="late"), target="late")
    assert [(one.kind, one.columns) for one in gone.findings] == [("schema", ("late",))]
    scores = (risk_of(REFERENCE), risk_of(BATCH))
    assert inspect_batch(REFERENCE, BATCH, scores=scores).passed
    drifted = inspect_batch(REFERENCE, BATCH, scores=(scores[0], scores[1] / 2))
    assert any("(score)" in one.columns for one in drifted.findings)


def test_only_the_gravest_findings_are_said() -> None:
    text = str(inspect_batch(REFERENCE, BATCH[BATCH["hour"] < 9]))
    assert "more, less grave: to_frame() has them all" in text or text.count("\n") <= 40


def test_scores_need_one_value_per_row() -> None:
    with pytest.raises(DataInvalid, match="one score per row is needed"):
        inspect_batch(REFERENCE, BATCH, target="late", scores=([0.5], [0.5]))


def test_the_outcome_can_be_read_as_text_table_and_page() -> None:
    found = inspect_batch(REFERENCE, put("weight", slice(0, 12), -999.0)(BATCH.rename(columns={"note": "<b>"})))
    frame = found.to_frame()
    assert list(frame.columns) == ["kind", "columns", "effect", "p_value", "metric", "n"]
    assert len(frame) == len(found.findings) > 0
    assert str(found).startswith("not passed: 800 rows against 3,000; ")
    assert "a hard rule; missing from the batch" in str(found)
    assert "-999" not in str(found)
    page = found._repr_html_()
    assert "<li>schema of &lt;b&gt;" in page
    assert "<b>" not in page


def test_a_pass_says_the_smallest_fault_it_could_have_revealed() -> None:
    few, many = (inspect_batch(REFERENCE, parcels(rows, 5)) for rows in (300, 3000))
    for metric, smallest in many.smallest_detectable.items():
        assert 0 <= smallest <= 1
        assert smallest <= few.smallest_detectable[metric]
    assert few.smallest_detectable["batch_missing_shift"] > 0.05


@pytest.mark.parametrize(
    ("metric", "plant"),
    [
        ("batch_missing_shift", lambda frame, rows: frame.assign(weight=frame["weight"].mask(rows))),
        ("batch_distribution_shift", lambda frame, rows: frame.assign(weight=frame["weight"].mask(rows, 1e3))),
    ],
)
def test_a_fault_of_the_smallest_detectable_size_is_found_four_times_out_of_five(
    metric: str, plant: Callable[[pd.DataFrame, np.ndarray], pd.DataFrame]
) -> None:
    rng = np.random.default_rng(8)
    size = inspect_batch(REFERENCE, BATCH).smallest_detectable[metric]
    found = 0
    for seed in range(30, 40):
        batch = parcels(len(BATCH), seed)
        found += not inspect_batch(REFERENCE, plant(batch, rng.random(len(batch)) < size)).passed
    assert found >= 7


def test_a_batch_too_small_to_reveal_anything_is_undecided() -> None:
    found = inspect_batch(REFERENCE, BATCH.iloc[:8])
    assert not found.passed
    assert found.findings == ()
    outcomes = {verdict.gate: verdict for verdict in found.verdicts}
    assert outcomes["missing_values_are_as_before"].outcome is Outcome.UNDECIDED
    assert "More rows are needed" in outcomes["missing_values_are_as_before"].reason


@pytest.mark.parametrize(("before", "now", "role"), [(0, 10, "reference"), (10, 0, "batch"), (0, 0, "reference")])
def test_a_table_without_rows_is_undecided(before: int, now: int, role: str) -> None:
    found = inspect_batch(REFERENCE.iloc[:before], BATCH.iloc[:now])
    assert {verdict.outcome for verdict in found.verdicts} == {Outcome.UNDECIDED}
    assert f"the {role} has no rows" in str(found)


def test_arguments_are_left_as_they_were_and_the_same_call_gives_the_same_answer() -> None:
    before, now = REFERENCE.copy(deep=True), BATCH.copy(deep=True)
    first, second = inspect_batch(REFERENCE, BATCH), inspect_batch(REFERENCE, BATCH)
    pd.testing.assert_frame_equal(before, REFERENCE)
    pd.testing.assert_frame_equal(now, BATCH)
    assert first.measurements == second.measurements


def test_what_is_no_table_is_refused_in_words() -> None:
    with pytest.raises(DataInvalid, match="a pandas DataFrame is needed"):
        inspect_batch(REFERENCE, [1, 2])  # type: ignore[arg-type]
    with pytest.raises(DataInvalid, match=r"several columns named \['a'\]; names must differ"):
        inspect_batch(pd.DataFrame([[1, 2]], columns=["a", "a"]), BATCH)
    with pytest.raises(DataInvalid, match=r"2 column names .* are no text"):
        inspect_batch(REFERENCE, pd.DataFrame([[1, 2]]))


def test_importing_the_package_stays_cheap() -> None:
    code = "import sys, ml_platform; print({'pandas', 'scipy', 'lightgbm', 'dagster'} & set(sys.modules))"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert seen.strip() == "set()"
