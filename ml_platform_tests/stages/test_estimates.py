"""Estimates are kept with what came true; how often they covered it is counted over windows."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.records import Estimate, MonitoringRecord
from ml_platform.policy.spec import ModelSpec, PersonalData, Role
from ml_platform.stages.estimates import Estimated, measure_estimates
from ml_platform.stages.live_slices import measure_live_slices
from ml_platform.stages.monitors import watch_performance
from ml_platform.stages.periods import period_at, period_named
from ml_platform.stages.reference import Reference
from ml_platform.stages.season import measure_in_season
from ml_platform_tests.stages.test_monitor import SPEC

RNG_SEED = 4


def reference(outcomes: bool = True) -> Reference:
    rng = np.random.default_rng(RNG_SEED)
    chance = rng.beta(1, 2, 4_000)
    came = (rng.random(4_000) < chance).astype(float)
    times = pd.date_range("2012-06-01", periods=2_000, freq="4h", tz="UTC")
    rows = pd.DataFrame({"at": times, "height": rng.normal(0, 1, 2_000), "moon": rng.choice(["new", "full"], 2_000)})
    return Reference(
        rows=rows, scores={"": pd.Series(chance)}, headline=0.75, standard_error=0.01,
        outcomes=came if outcomes else None, threshold=0.4,
    )  # fmt: skip


def window(n: int, *, flipped: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    chance = rng.beta(1, 2, n)
    came = rng.random(n) < (1 - chance if flipped else chance)
    return came.astype(float), chance[:, None]


def estimated(
    n: int = 2_000, *, labelled: int = 2_000, flipped: bool = False, before: tuple[MonitoringRecord, ...] = ()
) -> Estimated:
    label, score = window(n, flipped=flipped)
    label[labelled:] = np.nan
    return measure_estimates(SPEC, label, score, reference(), before)


def by_name(found: Estimated) -> dict[tuple[str, str], Measurement]:
    return {(one.metric, one.subject): one for one in found.measurements}


def with_task(task: str) -> ModelSpec:
    said = SPEC.model_dump(mode="json", exclude_none=True)
    learner = {**said["learner"], "objective": task}
    contract = {**said["contract"], SPEC.target: {"type": "number", "role": "target"}}
    return ModelSpec.model_validate_json(json.dumps({**said, "learner": learner, "contract": contract}))


def record(estimate: Estimate) -> MonitoringRecord:
    return MonitoringRecord(
        model="tides", environment="production", window="2013-05", window_end=dt.datetime(2013, 6, 1, tzinfo=dt.UTC),
        digest="d", window_digest="w", version=2, model_digest="g", labelled=1,
        estimates={"estimated_roc_auc": estimate},
    )  # fmt: skip


def test_before_outcomes_come_there_is_an_estimate_and_nothing_it_was_held_against() -> None:
    found = estimated(labelled=0)
    area = by_name(found)["estimated_roc_auc", ""]
    assert "calibrated as on the holdout" in str(area.facts["assumes"])
    assert found.estimates["estimated_roc_auc"].realised is None
    assert by_name(found)["estimate_coverage", "estimated_roc_auc"].value is None


def test_when_they_have_come_the_estimate_is_scored_on_exactly_their_rows() -> None:
    found = estimated(labelled=1_500)
    for metric in ("estimated_roc_auc", "estimated_accuracy", "estimated_log_loss"):
        kept = found.estimates[metric]
        assert kept.realised is not None
        assert kept.low <= kept.realised <= kept.high
        assert by_name(found)["estimate_coverage", metric].value == 1.0


def test_a_changed_meaning_of_the_inputs_makes_estimates_fail_and_it_is_counted() -> None:
    earlier = (record(Estimate(value=0.7, low=0.6, high=0.8, realised=0.7)), record(Estimate(value=0.7, low=0, high=1)))
    coverage = by_name(estimated(flipped=True, before=earlier))["estimate_coverage", "estimated_roc_auc"]
    assert coverage.value == 0.5
    assert coverage.n == 2
    assert coverage.facts["promised"] == 0.95


def test_the_expected_change_is_against_the_release() -> None:
    change = by_name(estimated())["estimated_roc_auc_change", ""]
    assert change.value is not None
    assert change.low is not None
    assert change.value == pytest.approx((by_name(estimated())["estimated_roc_auc", ""].value or 0) - 0.75)
    label, score = window(0)
    empty = measure_estimates(SPEC, label, score, reference(), ())
    assert by_name(empty)["estimated_roc_auc_change", ""].value is None
    assert not empty.estimates


def test_of_numbers_and_of_a_release_without_outcomes_nothing_is_estimated() -> None:
    label, score = window(500)
    assert measure_estimates(with_task("regression"), label, score, reference(), ()).measurements == ()
    assert measure_estimates(SPEC, label, score, reference(outcomes=False), ()).measurements == ()


def test_performance_is_watched_by_loss_decisions_and_calibration() -> None:
    label, score = window(2_000)
    watched = watch_performance(SPEC, label, score, reference())
    names = [one.name for one in watched.monitors]
    assert names == ["loss", "wrong decisions", "prediction against outcome", "confidence against outcome"]
    assert all(watched.seen[name].n == 2_000 for name in names)
    nothing = watch_performance(SPEC, label[:0], score[:0], reference())
    assert all(one.n == 0 for one in nothing.seen.values())
    assert watch_performance(SPEC, label, score, reference(outcomes=False)).monitors == ()
    numbers = watch_performance(with_task("regression"), label, score, reference())
    assert [one.name for one in numbers.monitors] == ["loss", "prediction against outcome"]


def test_each_level_of_a_category_is_a_slice_with_intervals_that_hold_together() -> None:
    label, score = window(2_000)
    moon = np.where(np.arange(2_000) < 600, "new", "full")
    label[:600] = 1 - np.round(score[:600, 0])
    rows = pd.DataFrame({"input_moon": moon, "input_height": 0.0})
    found = {one.subject: one for one in measure_live_slices(SPEC, rows, label, score, reference())}
    assert set(found) == {"moon=new", "moon=full"}
    assert found["moon=new"].confidence == pytest.approx(0.975)
    assert (found["moon=new"].low or 0) > 0.5
    assert not list(measure_live_slices(SPEC, rows[["input_height"]], label, score, reference()))


def test_groups_are_compared_where_requests_carry_them_and_said_to_be_missing_otherwise() -> None:
    moon = SPEC.contract["moon"].model_copy(update={"also": (Role.GROUP,), "personal_data": PersonalData.SENSITIVE})
    spec = SPEC.model_copy(update={"contract": {**SPEC.contract, "moon": moon}})
    label, score = window(1_000)
    rows = pd.DataFrame({"input_moon": np.where(np.arange(1_000) % 2, "new", "full"), "input_height": 0.0})
    metrics = {one.metric for one in measure_live_slices(spec, rows, label, score, reference())}
    assert metrics == {"live_slice_loss", "live_group_auc_gap", "live_selection_rate_ratio"}
    (without,) = measure_live_slices(spec, rows[["input_height"]], label, score, reference())
    assert "requests don't carry this column" in without.reason


@pytest.mark.parametrize(("kind", "name"), [("month", "2013-06"), ("day", "2013-06-03")])
def test_a_season_that_training_hardly_saw_is_said_to_be_unknown(kind: str, name: str) -> None:
    watched = SPEC.monitoring and SPEC.monitoring.model_copy(update={"window": kind})
    spec = SPEC.model_copy(update={"monitoring": watched})
    period = period_named("month" if kind == "month" else "day", name)
    (found,) = measure_in_season(spec, pd.DataFrame(), reference(), period)
    assert found.value is None
    assert "training rows are of the same" in found.reason


def test_a_window_is_held_against_the_same_hour_or_month_where_training_saw_enough_of_it() -> None:
    known = reference()
    many = pd.concat([known.rows] * 60, ignore_index=True)
    rows = pd.DataFrame({"input_height": np.random.default_rng(1).normal(0, 1, 600), "input_moon": "new"})
    moment = dt.datetime(2013, 6, 3, 4, tzinfo=dt.UTC)
    for kind in ("hour", "month"):
        watched = SPEC.monitoring and SPEC.monitoring.model_copy(update={"window": kind})
        spec = SPEC.model_copy(update={"monitoring": watched})
        then = Reference(rows=many, scores=known.scores, headline=None, standard_error=None)
        period = period_at("hour" if kind == "hour" else "month", moment)
        found = {one.subject: one for one in measure_in_season(spec, rows, then, period)}
        assert set(found) == {"height", "moon"}
        assert (found["moon"].value or 0) > 0.2
        assert "of the" in str(found["moon"].facts["season"])
    untimed = Reference(rows=many.drop(columns="at"), scores=known.scores, headline=None, standard_error=None)
    (found_none,) = measure_in_season(SPEC, rows, untimed, period_named("month", "2013-06"))
    assert found_none.n == 0
