"""Tuning chooses on the training rows alone, survives SIGKILL, and what it chose is what is trained."""

from __future__ import annotations

import dataclasses
import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ml_platform.adapters.journals import FileJournals
from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import TuningRecord
from ml_platform.core.trial import DEFAULT
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.train import train
from ml_platform.stages.tune import tune
from ml_platform.stages.tuned import read_trials, settle
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages import tuning_toy
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_matrix, toy_rows, toy_spec
from ml_platform_tests.stages.tuning_toy import tune_toy, tuned_spec


def lasting(record: TuningRecord) -> TuningRecord:
    """Return a record without what a clock said."""
    return dataclasses.replace(record, seconds=0.0)


def test_a_study_killed_with_sigkill_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    undisturbed = tune_toy(tmp_path / "whole").record
    home = tmp_path / "killed"
    command = [sys.executable, "-m", tuning_toy.__name__, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "trial 4 of 8" in line:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    assert not (home / "studies").exists()
    said: list[str] = []
    resumed = tune_toy(home, say=said.append).record
    assert lasting(resumed) == lasting(undisturbed)
    assert any("goes on after" in line for line in said)
    stores = FakeStore(tmp_path / "whole"), FakeStore(home)
    whole, again = (read_trials(store, undisturbed.digest) for store in stores)
    assert whole == again
    assert min(trial.loss for trial in again if trial.loss is not None) == resumed.loss


def test_the_study_is_stored_by_its_content_and_measured(tmp_path: Path) -> None:
    made = tune_toy(tmp_path)
    record = made.record
    assert record.completed + record.pruned == record.trials == 8
    assert record.loss < record.default_loss
    assert record.parameters.keys() == tuning_toy.SPACE.keys()
    assert record.metric == "log_loss"
    found = {each.metric: each for each in made.measurements}
    assert found["tuning_tried_share"].value == 1
    assert found["tuning_gain"].value == pytest.approx(1 - record.loss / record.default_loss)
    assert json.loads(str(found["tuning_gain"].facts["parameters"])) == record.parameters
    assert tune_toy(tmp_path).unchanged
    assert [trial.number for trial in read_trials(FakeStore(tmp_path), record.digest)] == [DEFAULT, *range(8)]


def test_only_training_rows_are_looked_at(tmp_path: Path) -> None:
    spec, rows = tuned_spec(trials=3), toy_matrix(toy_rows())

    def altered(matrix: Matrix) -> Matrix:
        other = matrix.part != "train"
        target, values = matrix.target.copy(), matrix.values.copy()
        target[other], values[other] = 1 - target[other], 0.0
        return dataclasses.replace(matrix, target=target, values=values)

    found = []
    for place, matrix in enumerate((rows, altered(rows))):
        store = FakeStore(tmp_path / str(place))
        features, _ = stored(store, spec, matrix=matrix)
        record = tune(spec, store=store, journals=FileJournals(store.home), features=features).record
        found.append((record.loss, record.default_loss, record.parameters))
    assert found[0] == found[1]


def test_a_space_that_holds_nothing_better_keeps_the_learner_as_it_is(tmp_path: Path) -> None:
    spec = tuned_spec(trials=2, space={"learning_rate": {"choices": [1e-6, 2e-6]}})
    made = tune_toy(tmp_path, spec)
    assert (made.record.best, dict(made.record.parameters)) == (DEFAULT, {})
    gain = next(each for each in made.measurements if each.metric == "tuning_gain")
    assert gain.value == 0
    assert gain.facts["trial"] == "the learner as it is"


def test_a_study_whose_trials_all_fail_is_refused_with_the_reason(tmp_path: Path) -> None:
    spec = tuned_spec(trials=2, space={"max_bin": {"choices": [0, 1]}})
    with pytest.raises(
        DataInvalid, match=r"none of 2 trials was completed, 2 failed; the first that failed said: .*LightGBM"
    ):
        tune_toy(tmp_path, spec)
    assert not (tmp_path / "studies").exists()


def test_a_budget_without_a_whole_trial_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match=r"none of 0 trials was completed within the budget of 5 seconds"):
        tune_toy(tmp_path, tuned_spec(seconds=5.0), clock=map(float, itertools.count()).__next__)


def test_a_model_file_without_a_study_is_not_tuned(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="has no `tuning`"):
        tune_toy(tmp_path, toy_spec())


def test_what_was_chosen_is_trained_recorded_and_tracked_and_can_be_trained_again_without_the_study(
    tmp_path: Path,
) -> None:
    spec, root, tracker = tuned_spec(), repository(tmp_path / "repository"), FakeTracker()
    tuning = tune_toy(tmp_path, spec).record
    store = FakeStore(tmp_path)
    features, _ = stored(store, spec)
    said = {"store": store, "features": features, "tracker": tracker, "actor": "ann", "now": NOW, "root": root}
    model = train(spec, tuning=tuning, **said).record  # type: ignore[arg-type]
    assert (model.tuned, model.tuning_digest) == (tuning.parameters, tuning.digest)
    run = tracker.runs[model.run_id]
    assert run.parameters["learning_rate"] == tuning.parameters["learning_rate"]
    assert run.tags["tuning_digest"] == tuning.digest
    assert [trial.number for trial in tracker.trials[model.run_id]] == [DEFAULT, *range(8)]
    again = train(settle(spec, model.tuned), **said).record  # type: ignore[arg-type]
    assert (again.digest, again.parameters_digest) == (model.digest, model.parameters_digest)
    plain = train(toy_spec(), **said).record  # type: ignore[arg-type]
    assert plain.parameters_digest != model.parameters_digest


def test_a_model_that_asks_for_a_study_is_not_trained_without_it_or_with_that_of_other_features(tmp_path: Path) -> None:
    spec, store = tuned_spec(trials=1), FakeStore(tmp_path)
    tuning = tune_toy(tmp_path, spec).record
    features, _ = stored(store, spec)
    said = {"store": store, "features": features, "tracker": FakeTracker(), "actor": "ann", "now": NOW}
    for wrong in (None, dataclasses.replace(tuning, features_digest="9" * 64)):
        with pytest.raises(DataInvalid, match="tune first"):
            train(spec, tuning=wrong, **said)  # type: ignore[arg-type]
