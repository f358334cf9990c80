"""Study: trials one after another, each asked for by a sampler that knows only the seed, its number and the past.

So a study that was killed goes on to the same trials: finished ones are read from the journal, an unfinished one left
no trace and is asked for again. Nothing is pickled: Optuna's study lives in memory, the journal is JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.trial import DEFAULT, State, Trial
from ml_platform.policy.learner_parameters import PARAMETERS
from ml_platform.policy.spec import Tuning

if TYPE_CHECKING:
    import optuna

    from ml_platform.core.measurement import Fact
    from ml_platform.core.ports import Journal
    from ml_platform.policy.spec import Dimension

Losses = Callable[[Mapping[str, "Fact"]], Iterable[float]]
Say = Callable[[str], None]
STARTUP_TRIALS = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The default's trial, the study's in their order, and what ended it before all were tried."""

    default: Trial
    trials: tuple[Trial, ...]
    stopped: str = ""


def run_study(tuning: Tuning, losses: Losses, *, journal: Journal, clock: Callable[[], float], say: Say) -> Ended:
    """Try what the journal doesn't hold yet, up to the budget, and return all of it.

    `losses` yields the mean loss after each fold, and raises DataInvalid for parameters that can't be trained with
    (the trial has then failed). `clock` counts seconds; those of earlier processes count too. Raises DataInvalid for
    a learner that can't be measured as it is, and when the budget ends before its loss is known.
    """
    done = list(journal.trials())
    work = _Work(tuning, losses, clock, began=clock() - sum(trial.seconds for trial in done))
    if not done:
        done.append(work.measure_default())
        journal.append(done[0])
    say(f"tuning: the learner as it is has the loss {done[0].losses[-1]:.6g}")
    if len(done) > 1:
        say(f"tuning: goes on after {len(done) - 1:,} trials")
    study = _study(tuning, done[1 : tuning.trials + 1])
    while len(done) <= tuning.trials:
        trial = None if work.is_over else work.attempt(study, len(done) - 1)
        if trial is None:
            return Ended(default=done[0], trials=tuple(done[1:]), stopped=f"the budget of {tuning.seconds:g} seconds")
        journal.append(trial)
        done.append(trial)
        say(_progress(tuning, done))
    return Ended(default=done[0], trials=tuple(done[1 : tuning.trials + 1]))


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """What trials are made of; `began` is the clock's time when the study would have begun in one go."""

    tuning: Tuning
    losses: Losses
    clock: Callable[[], float]
    began: float

    @property
    def is_over(self) -> bool:
        """Whether the seconds of the budget, over all processes that worked on the study, are used up."""
        return self.tuning.seconds is not None and self.clock() - self.began >= self.tuning.seconds

    def ends_within(self, found: Sequence[float]) -> bool:
        """Whether the budget ended while folds are still to be measured."""
        return len(found) < self.tuning.folds and self.is_over

    def measure_default(self) -> Trial:
        """Measure the learner as the model file has it."""
        at, found = self.clock(), []
        for loss in self.losses({}):
            found.append(loss)
            if self.ends_within(found):
                message = (
                    f"tuning.seconds is {self.tuning.seconds:g}: the budget ended before the first trial was "
                    "completed; at least one is needed to choose from; raise tuning.seconds, or lower tuning.folds "
                    "or learner.rounds"
                )
                raise DataInvalid(message)
        return Trial(number=DEFAULT, state="completed", parameters={}, losses=tuple(found), seconds=self.clock() - at)

    def attempt(self, study: optuna.Study, number: int) -> Trial | None:
        """Return what came of the trial of a number; None when the budget ended before it did."""
        import optuna

        study.sampler = optuna.samplers.TPESampler(seed=int(digest_of([self.tuning.seed, number])[:8], 16))
        at, asked = self.clock(), study.ask(_distributions(self.tuning))
        state: State = "completed"
        reason, found = "", list[float]()
        try:
            for loss in self.losses(asked.params):
                asked.report(loss, len(found))
                found.append(loss)
                if self.ends_within(found):
                    return None
                if len(found) < self.tuning.folds and asked.should_prune():
                    state = "pruned"
                    break
        except DataInvalid as error:
            state, reason = "failed", str(error)
        trial = Trial(
            number=number,
            state=state,
            parameters=asked.params,
            losses=tuple(found),
            seconds=self.clock() - at,
            reason=reason,
        )
        study.tell(asked, trial.loss, state=_states()[state])
        return trial


def _study(tuning: Tuning, done: Sequence[Trial]) -> optuna.Study:
    """Return Optuna's study, in memory, as it was after the trials that are done."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    median, none = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS), optuna.pruners.NopPruner()
    study = optuna.create_study(direction="minimize", pruner=median if tuning.pruner == "median" else none)
    for trial in done:
        study.add_trial(
            optuna.trial.create_trial(
                state=_states()[trial.state],
                value=trial.losses[-1] if trial.state != "failed" else None,
                params=dict(trial.parameters),
                distributions=_distributions(tuning),
                intermediate_values=dict(enumerate(trial.losses)),
            )
        )
    return study


def _states() -> Mapping[State, optuna.trial.TrialState]:
    from optuna.trial import TrialState

    return {"completed": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


def _distributions(tuning: Tuning) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return what is searched, in the order of the names: the sampler's random numbers follow that order."""
    return {name: _distribution(name, tuning.space[name]) for name in sorted(tuning.space)}


def _distribution(name: str, dimension: Dimension) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if dimension.choices is not None:
        return CategoricalDistribution(dimension.choices)
    low, high, step = dimension.low or 0, dimension.high or 0, dimension.step
    if PARAMETERS[name] == "a whole number":
        return IntDistribution(int(low), int(high), log=dimension.log, step=int(step or 1))
    return FloatDistribution(float(low), float(high), log=dimension.log, step=step and float(step))


def _progress(tuning: Tuning, done: Sequence[Trial]) -> str:
    newest = done[-1]
    best = min(trial.loss for trial in done if trial.loss is not None)
    outcome = newest.state if newest.loss is None else f"loss {newest.loss:.6g}"
    return f"tuning: trial {newest.number + 1:,} of {tuning.trials:,}: {outcome}; best so far {best:.6g}"
