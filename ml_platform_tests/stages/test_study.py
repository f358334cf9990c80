"""A study finds what is better, gives up early, and goes on after a kill as if nothing had happened."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Fact
from ml_platform.core.trial import DEFAULT, Trial
from ml_platform.policy.spec import Tuning
from ml_platform.stages.study import Ended, run_study

SPACE: dict[str, Any] = {
    "learning_rate": {"low": 0.001, "high": 1.0, "log": True},
    "num_leaves": {"low": 2, "high": 64},
    "extra_trees": {"choices": [True, False]},
    "bagging_fraction": {"low": 0.5, "high": 1.0, "step": 0.1},
}


class Notes:
    """A journal in memory that can die while it writes."""

    def __init__(self, lives: int = 10_000) -> None:
        self.done: list[Trial] = []
        self.lives = lives

    def trials(self) -> tuple[Trial, ...]:
        return tuple(self.done)

    def append(self, trial: Trial) -> None:
        if len(self.done) >= self.lives:
            raise KeyboardInterrupt
        self.done.append(trial)


def tuning_of(trials: int = 25, **changes: Any) -> Tuning:
    return Tuning.model_validate({"trials": trials, "seed": 5, "folds": 3, "space": SPACE, **changes}, strict=False)


def valley(tried: Mapping[str, Fact]) -> Iterator[float]:
    """Yield the losses of a bowl whose lowest point is at 0.1 and 20."""
    rate, leaves = float(tried.get("learning_rate") or 0.9), float(tried.get("num_leaves") or 60)
    for fold in range(3):
        yield (rate - 0.1) ** 2 + (leaves - 20) ** 2 / 1000 + fold * 0.01 + (tried.get("extra_trees") is True) * 0.1


def studied(tuning: Tuning, notes: Notes, losses: Any = valley, clock: Any = lambda: 0.0) -> Ended:
    return run_study(tuning, losses, journal=notes, clock=clock, say=lambda _: None)


def test_a_study_beats_the_learner_as_it_is_and_gives_up_early_on_the_hopeless() -> None:
    ended = studied(tuning_of(), Notes())
    losses = [trial.loss for trial in ended.trials if trial.loss is not None]
    assert ended.default.loss is not None
    assert min(losses) < ended.default.loss / 10
    assert {trial.state for trial in ended.trials} == {"completed", "pruned"}
    assert [trial.number for trial in ended.trials] == list(range(25))
    assert ended.default.number == DEFAULT


def test_every_value_tried_lies_in_the_space() -> None:
    for trial in studied(tuning_of(), Notes()).trials:
        tried = trial.parameters
        assert 0.001 <= float(tried["learning_rate"] or 0) <= 1
        assert isinstance(tried["num_leaves"], int)
        assert isinstance(tried["extra_trees"], bool)
        assert round(float(tried["bagging_fraction"] or 0) * 10, 9) in {5, 6, 7, 8, 9, 10}


def test_a_study_that_is_cut_at_any_trial_goes_on_to_the_same_trials() -> None:
    whole = studied(tuning_of(), Notes())
    for lives in (0, 1, 6, 13, 24):
        notes = Notes(lives)
        with pytest.raises(KeyboardInterrupt):
            studied(tuning_of(), notes)
        notes.lives = 10_000
        assert studied(tuning_of(), notes) == whole


def test_more_trials_continue_the_same_study_and_fewer_are_its_beginning() -> None:
    notes = Notes()
    short = studied(tuning_of(8), notes)
    long = studied(tuning_of(14), notes)
    assert long.trials[:8] == short.trials
    assert studied(tuning_of(8), notes) == short
    assert long == studied(tuning_of(14), Notes())


def test_another_seed_tries_others() -> None:
    assert studied(tuning_of(3), Notes()).trials != studied(tuning_of(3, seed=6), Notes()).trials


def test_without_a_pruner_every_trial_is_completed() -> None:
    ended = studied(tuning_of(pruner="none"), Notes())
    assert {trial.state for trial in ended.trials} == {"completed"}
    assert {len(trial.losses) for trial in ended.trials} == {3}


def test_a_trial_that_can_not_be_trained_has_failed_and_says_why() -> None:
    def stubborn(tried: Mapping[str, Fact]) -> Iterator[float]:
        yield 1.0
        if tried.get("extra_trees") is True:
            raise DataInvalid("extra trees don't grow here")
        yield from (1.0, 1.0)

    notes = Notes(9)
    with pytest.raises(KeyboardInterrupt):
        studied(tuning_of(12), notes, stubborn)
    notes.lives = 100
    ended = studied(tuning_of(12), notes, stubborn)
    failed = [trial for trial in ended.trials if trial.state == "failed"]
    assert failed
    assert all(trial.reason == "extra trees don't grow here" and trial.loss is None for trial in failed)
    assert ended == studied(tuning_of(12), Notes(), stubborn)


def test_a_learner_that_can_not_be_measured_as_it_is_ends_the_study() -> None:
    def broken(_: Mapping[str, Fact]) -> Iterator[float]:
        raise DataInvalid("all outcomes are of one class")

    with pytest.raises(DataInvalid, match="one class"):
        studied(tuning_of(), Notes(), broken)


def ticking(seconds: float = 1.0) -> Any:
    count = itertools.count()
    return lambda: next(count) * seconds


def test_a_budget_in_seconds_ends_the_study_after_whole_trials() -> None:
    notes = Notes()
    ended = studied(tuning_of(50, seconds=60.0), notes, clock=ticking())
    assert ended.stopped == "the budget of 60 seconds"
    assert 1 <= len(ended.trials) < 50
    assert notes.trials()[1:] == ended.trials
    assert all(trial.state == "pruned" or len(trial.losses) == 3 for trial in ended.trials)


def test_the_seconds_of_earlier_processes_count() -> None:
    notes = Notes()
    studied(tuning_of(3), notes)
    notes.done = [dataclasses.replace(trial, seconds=20.0) for trial in notes.done]
    assert len(studied(tuning_of(50, seconds=80.0), notes).trials) == 3
    assert len(studied(tuning_of(4, seconds=80.1), notes).trials) == 4


def test_a_budget_that_ends_before_the_first_trial_is_refused_by_name() -> None:
    with pytest.raises(DataInvalid, match=r"tuning.seconds is 1: the budget ended before the first trial"):
        studied(tuning_of(seconds=1.0), Notes(), clock=ticking(10.0))


def test_progress_is_said_with_the_best_so_far() -> None:
    said: list[str] = []
    notes = Notes()
    run_study(tuning_of(3), valley, journal=notes, clock=lambda: 0.0, say=said.append)
    assert len(said) == 4
    assert said[0].startswith("tuning: the learner as it is has the loss ")
    assert said[1].startswith("tuning: trial 1 of 3: loss ")
    assert "best so far" in said[3]
    said.clear()
    run_study(tuning_of(4), valley, journal=notes, clock=lambda: 0.0, say=said.append)
    assert said[1] == "tuning: goes on after 3 trials"
