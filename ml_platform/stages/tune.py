"""Tune: search for the learner's parameters by cross-validation on the training rows, and on no others."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ml_platform.core.digest import canonical_json, digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.core.records import TuningRecord
from ml_platform.core.trial import DEFAULT, Trial
from ml_platform.learners.fold_loss import fold_outcome
from ml_platform.learners.losses import LOSS_NAME
from ml_platform.learners.workers import Workers, open_workers
from ml_platform.stages.features import read_matrix
from ml_platform.stages.folds import make_folds
from ml_platform.stages.study import Ended, Say, run_study
from ml_platform.stages.train import rows_to_learn
from ml_platform.stages.tuned import FILE, KIND, settle

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore, Journals
    from ml_platform.core.records import FeaturesRecord
    from ml_platform.learners.rows import Rows
    from ml_platform.policy.spec import ModelSpec, Tuning

FORMAT = "ml-platform/study/1"


def _silent(_: str) -> None:
    return None


def tune(
    spec: ModelSpec,
    *,
    store: ArtefactStore,
    journals: Journals,
    features: FeaturesRecord,
    clock: Callable[[], float] = time.perf_counter,
    say: Say = _silent,
) -> Measured[TuningRecord]:
    """Run the study that `tuning` describes, or what is left of it, and store its trials.

    Equal features, learner, space and seed give the same trials, however often the process was killed and on whatever
    engine; only a budget in seconds may end them at another one. Raises DataInvalid when no trial was completed,
    Unavailable when the engine is lost; finished trials are kept then.
    """
    tuning = _described(spec)
    train = read_matrix(store, features).part_of("train")
    rows = [
        rows_to_learn(spec, train.rows_of(fold.train), train.rows_of(fold.held)) for fold in make_folds(spec, train)
    ]
    with open_workers(spec.compute) as workers, journals.open(study_key(spec, features)) as journal:
        ended = run_study(
            tuning, lambda tried: _losses(spec, rows, tried, workers), journal=journal, clock=clock, say=say
        )
    best = _best(spec, ended)
    files = {FILE: canonical_json(_told(spec, features, ended, best)).encode()}
    digest = digest_of({name: content.decode() for name, content in files.items()})
    unchanged = store.has(KIND, digest) or not store.put(KIND, digest, files)
    record = _record(spec, features, ended, best=best, digest=digest)
    return Measured(record=record, measurements=tuple(_measurements(record)), unchanged=unchanged)


def study_key(spec: ModelSpec, features: FeaturesRecord) -> str:
    """Return the digest of what a study is about; more trials or more seconds continue the same one."""
    about = _described(spec).model_dump(mode="json", exclude={"trials", "seconds"})
    return digest_of(
        {
            "format": FORMAT,
            "model": spec.model,
            "features": features.digest,
            "split": spec.split.kind,
            "learner": spec.learner.model_dump(mode="json"),
            "tuning": about,
            "versions": {name: importlib.metadata.version(name) for name in ("optuna", spec.learner.kind)},
        }
    )


def _described(spec: ModelSpec) -> Tuning:
    if spec.tuning is None:
        raise DataInvalid(f"{spec.model}: the model file has no `tuning`; it says what to try; add it, or don't tune")
    return spec.tuning


def _losses(
    spec: ModelSpec, folds: list[tuple[Rows, Rows]], tried: Mapping[str, Fact], workers: Workers
) -> Iterator[float]:
    """Yield the mean loss per held row over the folds so far; each worker trains on a fold at a time.

    The threads are the learner's own everywhere: their number changes the last digit of a loss.
    """
    learner = settle(spec, tried).learner
    total = seen = 0.0
    for start in range(0, len(folds), workers.count):
        wave = folds[start : start + workers.count]
        for (_, held), found in zip(wave, workers.each("tuning", fold_outcome, wave, learner), strict=True):
            if isinstance(found, str):
                raise DataInvalid(found)
            total += found * held.target.size
            seen += held.target.size
            yield total / seen


def _best(spec: ModelSpec, ended: Ended) -> Trial:
    """Return the trial with the smallest loss, the earlier of equals; the learner as it is when none has a smaller."""
    completed = [trial for trial in ended.trials if trial.state == "completed"]
    if not completed:
        failed = [trial for trial in ended.trials if trial.state == "failed"]
        why = f"; the first that failed said: {failed[0].reason}" if failed else ""
        message = (
            f"{spec.model}: tuning: none of {len(ended.trials):,} trials was completed"
            f"{f' within {ended.stopped}' if ended.stopped else ''}, {len(failed):,} failed{why}; a completed one is "
            "needed to choose from; raise tuning.seconds, or correct tuning.space"
        )
        raise DataInvalid(message)
    return min((ended.default, *completed), key=lambda trial: trial.losses[-1])


def _told(spec: ModelSpec, features: FeaturesRecord, ended: Ended, best: Trial) -> Mapping[str, object]:
    return {
        "format": FORMAT,
        "study": study_key(spec, features),
        "features_digest": features.digest,
        "tuning": _described(spec).model_dump(mode="json", exclude={"seconds"}),
        "metric": LOSS_NAME[spec.learner.objective],
        "trials": [_without_time(trial) for trial in (ended.default, *ended.trials)],
        "best": best.number,
        "stopped": ended.stopped,
    }


def _without_time(trial: Trial) -> Trial:
    """Return a trial without what differs between two runs of the same study."""
    return dataclasses.replace(trial, seconds=0.0)


def _record(spec: ModelSpec, features: FeaturesRecord, ended: Ended, *, best: Trial, digest: str) -> TuningRecord:
    states = [trial.state for trial in ended.trials]
    return TuningRecord(
        model=spec.model,
        digest=digest,
        features_digest=features.digest,
        trials=_described(spec).trials,
        completed=states.count("completed"),
        pruned=states.count("pruned"),
        failed=states.count("failed"),
        best=best.number,
        parameters=best.parameters,
        metric=LOSS_NAME[spec.learner.objective],
        loss=best.losses[-1],
        default_loss=ended.default.losses[-1],
        folds=len(best.losses),
        seconds=sum(trial.seconds for trial in (ended.default, *ended.trials)),
        stopped=ended.stopped,
    )


def _measurements(record: TuningRecord) -> Iterator[Measurement]:
    tried = record.completed + record.pruned
    yield Measurement(
        metric="tuning_tried_share",
        value=tried / record.trials,
        n=record.trials,
        unit="share",
        facts={
            "completed": record.completed,
            "pruned": record.pruned,
            "failed": record.failed,
            "ended by": record.stopped,
            "seconds": round(record.seconds, 1),
        },
    )
    saved, default = record.default_loss - record.loss, record.default_loss
    yield Measurement(
        metric="tuning_gain",
        value=saved / abs(default) if default else None,
        n=record.folds,
        unit="share",
        reason="" if default else "the learner as it is has no loss to save",
        facts={
            "default": record.default_loss,
            "best": record.loss,
            "loss": record.metric,
            "trial": record.best if record.best != DEFAULT else "the learner as it is",
            "parameters": canonical_json(record.parameters),
        },
    )
