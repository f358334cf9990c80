"""Whoever turns one in ten outcomes of a slice round is found; whoever is honest seldom is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.core.traffic import InputValue, Prediction
from ml_platform.policy.judge import outcome_of
from ml_platform.policy.load import load_model
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.feedback_cells import (
    EVERYBODY,
    FLIPPED,
    OVERALL,
    SHIFTED,
    Cell,
    Outcomes,
    compare_cells,
    measure_cells,
    source_name,
)
from ml_platform_tests.orchestration.small_model import NOW
from ml_platform_tests.policy.files import NOW as FILE_NOW
from ml_platform_tests.policy.files import write_model
from ml_platform_tests.stages.toy import toy_spec

COLUMNS = ("site", "coins", "income", "xage", "educdec", "female", "disea", "physlm", "mhi", "ghindx")
LATE = {"late": {"type": "boolean", "role": "target"}, "day": {"type": "datetime", "role": "time"}}
Floats = NDArray[np.float64]


def predicted(scores: Floats, inputs: Sequence[dict[str, InputValue]], **more: object) -> list[Prediction]:
    return [
        Prediction(
            id=str(number), at=NOW, event_time=NOW, model="toy", environment="production", version=1, model_digest="d",
            status=200, score=float(score), latency_seconds=0.1, inputs=values, **more,  # type: ignore[arg-type]
        )
        for number, (score, values) in enumerate(zip(scores, inputs, strict=True))
    ]  # fmt: skip


@cache
def visits() -> tuple[ModelSpec, list[Prediction], Floats]:
    """Return what a real model says of shipped data that it hasn't seen: who of the insured saw a doctor this year."""
    import lightgbm
    import pandas as pd
    import statsmodels

    table = pd.read_csv(Path(statsmodels.__file__).parent / "datasets" / "randhie" / "src" / "randhie.csv")
    train = np.random.default_rng(1).random(len(table)) < 0.5
    target, inputs = (table["mdvis"] > 0).to_numpy(float), table[list(COLUMNS)].astype(float)
    settings = {"objective": "binary", "num_leaves": 15, "learning_rate": 0.05, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(settings, lightgbm.Dataset(inputs[train].to_numpy(), target[train]), 50)
    rows = inputs[~train].replace({np.nan: None}).to_dict("records")
    spec = toy_spec(contract={**LATE, **{name: {"type": "number"} for name in COLUMNS}})
    scores = np.asarray(booster.predict(inputs[~train].to_numpy()))
    return spec, predicted(scores, rows), target[~train].astype(np.float64)  # type: ignore[arg-type]


def told(seed: int, *, turned: float = 0.0, only: float | None = None) -> tuple[Cell, ...]:
    """Return the cells when three sources tell outcomes and the record a fifth; one turns some of the women's round."""
    spec, predictions, truth = visits()
    rng = np.random.default_rng(seed)
    sources = np.where(rng.random(truth.size) < 0.2, "", rng.choice(["kim", "lou", "mar"], truth.size))
    women = np.array([one.inputs["female"] == 1 for one in predictions])
    rows = (sources == "kim") & women & (rng.random(truth.size) < turned)
    if only is not None:
        rows &= truth == only
    codes = np.where(rows, 1 - truth, truth)
    return compare_cells(spec, Outcomes(predictions=predictions, codes=codes, sources=sources.tolist()))


def test_one_in_ten_outcomes_of_a_slice_turned_round_is_found_and_named() -> None:
    found = [told(seed, turned=0.1)[0] for seed in range(4)]
    assert sum(cell.p_value < 0.01 for cell in found) >= 3
    assert {(cell.source, cell.metric) for cell in found} == {("kim", FLIPPED)}
    assert "female = 1.0" in {cell.slice for cell in found}


def test_outcomes_turned_in_one_direction_shift_the_slice() -> None:
    first = told(1, turned=0.3, only=0.0)[0]
    assert (first.source, first.slice, first.metric) == ("kim", "female = 1.0", SHIFTED)
    assert first.p_value < 0.01
    (strongest,) = [one for one in measure_cells(told(1, turned=0.3, only=0.0)) if one.metric == SHIFTED][:1]
    assert strongest.facts["direction"] == "more"
    assert strongest.value is not None
    assert strongest.value > 0.05


def test_honest_sources_are_seldom_suspected() -> None:
    assert sum(told(seed)[0].p_value < 0.01 for seed in range(8)) == 0


def made(seed: int, *, n: int = 4000, turned: float = 0.0, sources: Sequence[str] = ("kim",)) -> Outcomes:
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.02, 0.6, n)
    codes = (rng.random(n) < score) * 1.0
    site = rng.choice(["north", "south"], n)
    flips = (site == "north") & (rng.random(n) < turned)
    inputs: list[dict[str, InputValue]] = [{"site": str(one), "wind": None} for one in site]
    who = rng.choice(list(sources), n).tolist()
    return Outcomes(predictions=predicted(score, inputs), codes=np.where(flips, 1 - codes, codes), sources=who)


def test_a_false_alarm_is_as_rare_as_is_said() -> None:
    """Of 400 honest tables at most one in a hundred is suspected, as far as 400 can tell (binomial, 1 in 1,000)."""
    alarms = sum(compare_cells(toy_spec(), made(seed, n=400))[0].p_value < 0.01 for seed in range(400))
    assert alarms <= 11


def test_a_single_source_is_held_against_its_other_slices_and_its_own_name_is_hidden() -> None:
    cells = compare_cells(toy_spec(), made(3, turned=0.12, sources=(source_name("kim"),)))
    assert cells[0].slice == "site = north"
    assert {cell.against for cell in cells} == {"all other outcomes"}
    measured = list(measure_cells(cells))
    assert all("kim" not in one.subject for one in measured)
    assert not any(one.metric == OVERALL for one in measured if one.value is not None)  # everywhere has no other


def test_of_several_sources_all_together_are_looked_at_too() -> None:
    cells = compare_cells(toy_spec(), made(4, turned=0.12, sources=("", "a", "b", "c")))
    assert EVERYBODY in {cell.source for cell in cells}
    shown = [one for one in measure_cells(cells) if one.metric == OVERALL]
    assert {one.subject for one in shown} == {EVERYBODY, "a", "b", "c"}
    assert all(isinstance(one.facts["smallest_detectable"], float) for one in shown)


def test_too_few_outcomes_tell_nothing() -> None:
    cells = compare_cells(toy_spec(), made(5, n=99))
    assert cells == ()
    assert [(one.metric, one.value) for one in measure_cells(cells)] == [(OVERALL, None), (FLIPPED, None)]


def test_a_sensitive_columns_levels_have_numbers_for_names() -> None:
    contract = toy_spec().model_dump(mode="json", exclude_none=True)["contract"]
    site = {"type": "category", "levels": ["north", "south"], "personal_data": "sensitive", "reason": "A test."}
    cells = compare_cells(toy_spec(contract=contract | {"site": site}), made(6))
    assert {cell.slice for cell in cells if "site" in cell.slice} == {"site, part 1", "site, part 2"}


def test_numbers_are_compared_by_their_errors() -> None:
    rng = np.random.default_rng(1)
    base = made(7, sources=("", "a"))
    score = np.array([one.score for one in base.predictions])
    codes = score + rng.standard_t(2, score.size)
    wrong = (np.array(base.sources) == "a") & np.array([one.inputs["site"] == "north" for one in base.predictions])
    contract = toy_spec().model_dump(mode="json", exclude_none=True)["contract"] | {
        "late": {"type": "number", "role": "target"}
    }
    learner = {"kind": "lightgbm", "objective": "regression", "seed": 1, "threads": 1, "rounds": 1}
    spec = toy_spec(contract=contract, learner=learner, deployment={})
    honest = compare_cells(spec, Outcomes(predictions=base.predictions, codes=codes, sources=base.sources))
    assert honest[0].p_value > 0.01
    turned = np.where(wrong, codes + 1, codes)
    found = compare_cells(spec, Outcomes(predictions=base.predictions, codes=turned, sources=base.sources))
    assert (found[0].source, found[0].slice, found[0].metric) == ("a", "site = north", SHIFTED)


def test_classes_are_compared_by_their_surprise() -> None:
    rng = np.random.default_rng(2)
    n = 3000
    shares = rng.dirichlet((4, 2, 1), n)
    codes = np.array([float(rng.choice(3, p=row)) for row in shares])
    site = rng.choice(["north", "south"], n)
    predictions = [
        Prediction(
            id=str(i), at=NOW, event_time=NOW, model="toy", environment="production", version=1, model_digest="d",
            status=200, score=float(row.max()), scores=tuple(row.tolist()), latency_seconds=0.1,
            inputs={"site": str(site[i])},
        )
        for i, row in enumerate(shares)
    ]  # fmt: skip
    contract = toy_spec().model_dump(mode="json", exclude_none=True)["contract"]
    contract |= {"late": {"type": "category", "levels": ["none", "late", "lost"], "role": "target"}}
    learner = {"kind": "lightgbm", "objective": "multiclass", "seed": 1, "threads": 1, "rounds": 1}
    spec = toy_spec(contract=contract, learner=learner, deployment={})
    sources = rng.choice(["", "a"], n)
    turned = (sources == "a") & (site == "south") & (rng.random(n) < 0.3)
    found = compare_cells(
        spec, Outcomes(predictions=predictions, codes=np.where(turned, 2.0, codes), sources=sources.tolist())
    )
    assert (found[0].source, found[0].slice, found[0].metric) == ("a", "site = south", FLIPPED)
    assert found[0].p_value < 0.01
    assert not any(one.metric == SHIFTED for one in measure_cells(found))


@pytest.mark.parametrize(
    ("low", "outcome"), [(-0.01, "passed"), (0.0, "passed"), (0.001, "failed"), (None, "undecided")]
)
def test_a_slice_is_turned_round_when_that_is_proven(tmp_path: Path, low: float | None, outcome: str) -> None:
    gates = load_model(write_model(tmp_path), now=FILE_NOW).policy.gates
    for name, metric in (("no_slice_is_turned_round", FLIPPED), ("no_slice_is_shifted", SHIFTED)):
        found = Measurement(metric=metric, value=0.1, low=low, high=0.2, n=500)
        assert outcome_of(gates[name], found) == outcome
