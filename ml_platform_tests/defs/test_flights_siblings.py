"""The siblings of flights on their real rows, shortened: what is predicted differs, the path and its gates don't."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ml_platform.defs
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.defs.flights_outcome import features as outcome_features
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.judge import judge
from ml_platform.policy.load import load_model
from ml_platform.policy.spec import ModelSpec
from ml_platform.sources.read import fingerprint
from ml_platform.stages.evaluate import evaluate
from ml_platform.stages.features import build_features
from ml_platform.stages.reference import Reference, read_reference
from ml_platform.stages.snapshot import take_snapshot
from ml_platform.stages.split import make_split
from ml_platform.stages.train import train
from ml_platform_tests.defs.test_flights import tables
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.test_monitor import RELEASE
from ml_platform_tests.stages.toy import repository

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
DEFS = Path(ml_platform.defs.__file__).parent
SHORT = {"kind": "time", "train_days": 16, "validation_days": 2, "calibration_days": 3, "holdout_days": 6}


@dataclass(frozen=True)
class Ran:
    """A model's way from its source to the evaluation, judged."""

    spec: ModelSpec
    quarantined: dict[str, int]
    measured: dict[str, list[Measurement]]
    verdicts: tuple[Verdict, ...]
    reference: Reference

    def outcome(self, gate: str) -> Outcome:
        return next(one.outcome for one in self.verdicts if one.gate == gate)

    def value(self, metric: str) -> float:
        (found,) = self.measured[metric]
        assert found.value is not None
        return found.value


def ran(name: str, root: Path) -> Ran:
    """Take four weeks of the rows through every stage up to the evaluation."""
    file = load_model(DEFS / name / "defs.yaml", now=NOW)
    spec = file.spec
    changes = {
        "source": spec.source.model_copy(update={"as_of": dt.datetime(2013, 1, 29, tzinfo=dt.UTC)}),
        "split": spec.split.model_copy(update=SHORT),
        "learner": spec.learner.model_copy(update={"threads": 1, "rounds": 30, "parameters": {"learning_rate": 0.2}}),
    }
    spec = spec.model_copy(update=changes)
    store, source = FakeStore(repository(root) / "home"), fingerprint(spec, now=NOW).record
    taken = take_snapshot(spec, store=store, source=source, as_of=None, reference=None, now=NOW)
    snapshot = taken.snapshot.record
    split = make_split(spec, store=store, snapshot=snapshot, as_of=None)
    built = build_features(spec, store=store, snapshot=snapshot, split=split.record)
    trained = train(spec, store=store, features=built.record, tracker=FakeTracker(), actor="ann", now=NOW, root=root)
    evaluated = evaluate(
        spec, store=store, model=trained.record, features=built.record, split=split.record, profile="fast"
    )
    stages = {
        "snapshot": taken.snapshot.measurements, "split": split.measurements, "features": built.measurements,
        "model": trained.measurements, "evaluation": evaluated.measurements,
    }  # fmt: skip
    conditions = conditions_of(spec)
    verdicts = [
        verdict
        for stage, found in stages.items()
        for verdict in judge(file.policy, stage, found, conditions=conditions, now=NOW)
    ]
    measured: dict[str, list[Measurement]] = {}
    for one in evaluated.measurements:
        measured.setdefault(one.metric, []).append(one)
    release = dataclasses.replace(
        RELEASE,
        candidate=dataclasses.replace(
            RELEASE.candidate,
            snapshot_digest=snapshot.digest,
            split_digest=split.record.digest,
            model_digest=trained.record.digest,
            evaluation_digest=evaluated.record.digest,
        ),
    )
    reference = read_reference(spec, store, release)
    return Ran(spec, dict(taken.quarantine.record.reasons), measured, tuple(verdicts), reference)


@pytest.fixture(scope="module")
def air_time(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran("flights_air_time", tmp_path_factory.mktemp("air_time"))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran("flights_outcome", tmp_path_factory.mktemp("outcome"))


def test_flights_that_never_landed_have_no_time_in_the_air(air_time: Ran) -> None:
    assert set(air_time.quarantined) == {"air_time: missing"}


def test_minutes_in_the_air_are_judged_by_error_and_bias_and_not_by_a_roc_curve(air_time: Ran) -> None:
    applying = {one.gate for one in air_time.verdicts if one.outcome is not Outcome.NOT_APPLICABLE}
    assert {"beats_a_constant", "variance_is_explained", "errors_are_balanced", "loss_generalises"} <= applying
    assert not {"auc_is_sufficient", "classes_are_told_apart", "holdout_has_enough_positives"} & applying
    assert air_time.value("r_squared") > 0.95
    assert air_time.value("mean_absolute_error") < 20
    assert air_time.outcome("beats_a_constant") is air_time.outcome("variance_is_explained") is Outcome.PASSED


def test_the_distance_explains_nearly_all_which_is_waived_with_the_reason(air_time: Ran) -> None:
    for gate in ("no_feature_gives_the_answer_away", "no_pair_gives_the_answer_away", "no_feature_explains_alone"):
        assert air_time.outcome(gate) is Outcome.WAIVED


def test_diverted_flights_belong_to_no_class_and_cancelled_ones_do(outcome: Ran) -> None:
    assert set(outcome.quarantined) == {"outcome: missing"}
    assert {one.subject for one in outcome.measured["class_recall"]} == {"on_time", "late", "very_late", "cancelled"}


def test_what_becomes_of_a_flight_is_judged_by_class(outcome: Ran) -> None:
    applying = {one.gate for one in outcome.verdicts if one.outcome is not Outcome.NOT_APPLICABLE}
    assert {
        "holdout_has_enough_of_each_class",
        "classes_are_told_apart",
        "class_probabilities_are_calibrated",
    } <= applying
    assert not {"auc_is_sufficient", "errors_are_balanced", "holdout_has_enough_positives"} & applying
    assert 0.5 < outcome.value("macro_roc_auc") < 0.95
    assert outcome.outcome("no_feature_explains_alone") is Outcome.PASSED


def test_live_windows_are_held_against_what_was_measured_at_release(outcome: Ran, air_time: Ran) -> None:
    then = outcome.reference
    assert then.classes == ("on_time", "late", "very_late", "cancelled")
    assert np.sum([scores.to_numpy() for scores in then.scores.values()], axis=0) == pytest.approx(1)
    assert then.headline == outcome.value("multiclass_log_loss")
    assert then.ranking is not None
    assert then.ranking.value == outcome.value("macro_roc_auc")
    assert (air_time.reference.classes, list(air_time.reference.scores)) == ((), [""])
    assert air_time.reference.headline == air_time.value("mean_absolute_error")
    assert (then.standard_error or 0) > 0
    assert (air_time.reference.standard_error or 0) > 0


def test_an_outcome_is_told_by_departure_and_delay() -> None:
    given = tables()
    flights = pd.concat([given["flights"]] * 2, ignore_index=True)
    flights["arr_delay"] = [14.0, 15.0, 60.0, np.nan, np.nan, -3.0]
    flights["dep_time"] = [1.0, 1.0, 1.0, np.nan, 1.0, 1.0]
    flights["minute"] = range(len(flights))
    found = outcome_features.assemble({**given, "flights": flights})["outcome"]
    assert found.fillna("none").tolist() == ["on_time", "late", "very_late", "cancelled", "none", "on_time"]
