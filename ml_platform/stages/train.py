"""Train: features in, a model as text out, under declared conditions, repeated in part to see that it can be."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.digest import digest_of, short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Fact, Measurement
from ml_platform.core.records import FeaturesRecord, ModelRecord, TuningRecord
from ml_platform.learners.calibration import calibrate, fit_calibration
from ml_platform.learners.engine import Fit, engine_of, open_engine
from ml_platform.learners.lightgbm_native import Trained
from ml_platform.learners.reweighing import learn_reweighing
from ml_platform.learners.rows import Rows
from ml_platform.learners.scorer import Scorer
from ml_platform.learners.tree_text import same_beginning, tree_digest
from ml_platform.stages.conditions import declare_conditions, missing_conditions, require_conditions
from ml_platform.stages.environment import read_environment
from ml_platform.stages.features import read_matrix, read_state
from ml_platform.stages.features_module import FeaturesModule, load_features
from ml_platform.stages.fit_guard import fit_guard
from ml_platform.stages.kept_environment import keep_environment
from ml_platform.stages.model_files import KIND, files_digest, model_files
from ml_platform.stages.one_machine import engine_measurements
from ml_platform.stages.platform_code import keep_platform
from ml_platform.stages.threshold import Threshold, choose_threshold
from ml_platform.stages.threshold_rule import rule_of
from ml_platform.stages.training_run import training_run
from ml_platform.stages.tuned import read_trials, settled
from ml_platform.stats.intersections import intersections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_platform.core.ports import ArtefactStore, Tracker
    from ml_platform.core.records import Conditions
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix

REPEATED_ROUNDS = 20


def train(
    spec: ModelSpec,
    *,
    store: ArtefactStore,
    features: FeaturesRecord,
    tracker: Tracker,
    actor: str,
    now: dt.datetime,
    tuning: TuningRecord | None = None,
    root: Path | None = None,
    commit: str = "",
) -> Measured[ModelRecord]:
    """Train on the training rows, calibrate and choose the threshold on calibration rows, store and track the model.

    `tuning` is the study whose parameters are used, needed when the model file asks for one. `root` is the folder
    whose lock file and git repository describe the run (default: the working directory); code that comes from a
    record is of its `commit`. Raises DataInvalid when a condition is unknown, when the features were built with other
    code, and for unusable rows.
    """
    root = root or Path.cwd()
    spec = settled(spec, features, tuning)
    module, environment = _module(spec, features), read_environment(root)
    conditions = declare_conditions(
        spec, features.code_digest, environment=environment, source=module.path, root=root, commit=commit
    )
    require_conditions(spec, conditions)
    keep_environment(store, environment, root)
    keep_platform(store)
    matrix = read_matrix(store, features)
    with open_engine(spec.compute) as fit:
        learned = _learn(spec, matrix, fit)
    state = read_state(store, features)
    files = model_files(
        spec,
        features,
        scorer=learned.scorer,
        threshold=learned.threshold.value if learned.threshold else None,
        state=state,
        module=module,
        environment=environment,
        guard=fit_guard(spec, matrix, state),
    )
    digest = files_digest(files)
    unchanged = store.has(KIND, digest) or not store.put(KIND, digest, files)
    record = ModelRecord(
        model=spec.model,
        digest=digest,
        tree_digest=tree_digest(learned.trained.text),
        features_digest=features.digest,
        parameters_digest=parameters_digest(spec),
        conditions=conditions,
        rounds=learned.trained.rounds,
        threshold=learned.threshold.value if learned.threshold else None,
        run_id="",
        trained_by=actor,
        trained_at=now,
        metrics=learned.metrics,
        tuned=tuning.parameters if tuning else {},
        tuning_digest=tuning.digest if tuning else "",
        threshold_rule=learned.threshold.rule if learned.threshold else "",
    )
    run = training_run(spec, features, record, artefact=files, example=matrix.values[0])
    record = dataclasses.replace(record, run_id=tracker.log_training(run))
    if tuning is not None:
        tracker.log_trials(spec.model, record.run_id, read_trials(store, tuning.digest))
    measurements = _measurements(record, learned, files, tracked=tracker.has_run(record.run_id))
    return Measured(record=record, measurements=measurements, unchanged=unchanged)


def parameters_digest(spec: ModelSpec) -> str:
    """Return the digest of what decides which trees grow; the engine counts only where several workers train."""
    learner = spec.learner.model_dump(mode="json")
    if not spec.is_distributed:
        return digest_of(learner)
    return digest_of({"learner": learner, "engine": engine_of(spec.compute)})


def rows_of(spec: ModelSpec, matrix: Matrix) -> Rows:
    """Return a matrix as the rows that a learner takes."""
    return Rows(
        values=matrix.values,
        target=matrix.target,
        names=matrix.names,
        categorical=matrix.categorical,
        weight=matrix.weight,
        classes=spec.classes,
    )


def rows_to_learn(spec: ModelSpec, train: Matrix, held: Matrix) -> tuple[Rows, Rows]:
    """Return the rows that teach and those that say when to stop, weighed alike as the learner asks.

    What `learner.reweigh` does to a group is learned on the rows that teach. Raises DataInvalid when these can't tell.
    """
    train, held = _aged(spec, train, held)
    named = spec.learner.reweigh
    if not named:
        return rows_of(spec, train), rows_of(spec, held)
    groups = [intersections({name: part.groups[name] for name in named}) for part in (train, held)]
    found = learn_reweighing(groups[0], train.target, train.weight)
    weighed = (
        dataclasses.replace(part, weight=found.weigh(group, part.target, part.weight))
        for part, group in zip((train, held), groups, strict=True)
    )
    taught, stopping = (rows_of(spec, part) for part in weighed)
    return taught, stopping


def _aged(spec: ModelSpec, train: Matrix, held: Matrix) -> tuple[Matrix, Matrix]:
    """Let a training row's weight halve with every half-life that it is older than the newest one.

    Later rows, which say when to stop, keep their weight. Raises DataInvalid when a training row has no time.
    """
    half_life = spec.learner.half_life_days
    if half_life is None:
        return train, held
    if train.time is None or np.isnat(train.time).any():
        message = f"{spec.model}: learner.half_life_days needs the time of every training row; some have none"
        raise DataInvalid(message)
    age = (train.time.max() - train.time) / np.timedelta64(1, "D")
    weight = 0.5 ** (age / half_life)
    ours = weight if train.weight is None else weight * train.weight
    theirs = np.ones(held.target.size) if held.weight is None else held.weight
    return dataclasses.replace(train, weight=ours), dataclasses.replace(held, weight=theirs)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Learned:
    trained: Trained
    scorer: Scorer
    threshold: Threshold | None
    repeated_rounds: int
    repeats: bool
    train_rows: int
    engine: tuple[Measurement, ...] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Return what is worth plotting over trainings."""
        found = {"rounds": float(self.trained.rounds)}
        if self.threshold is not None:
            found["threshold"] = self.threshold.value
        found["train_rows"] = float(self.train_rows)
        if self.trained.validation_loss is not None:
            found[f"validation_{self.trained.validation_metric}"] = self.trained.validation_loss
        return found


def _learn(spec: ModelSpec, matrix: Matrix, fit: Fit) -> _Learned:
    learner = spec.learner
    rows, validation = rows_to_learn(spec, matrix.part_of("train"), matrix.part_of("validation"))
    trained = fit(learner, rows, validation)
    scorer, threshold = calibrated(spec, trained.text, matrix.part_of("calibration"))
    # DART changes earlier trees later on, so that only a whole training repeats it.
    whole = learner.parameters.get("boosting") == "dart"
    again = fit(learner, rows, rounds=trained.rounds if whole else min(REPEATED_ROUNDS, trained.rounds))
    held = matrix.part_of("calibration").values
    return _Learned(
        trained=trained,
        scorer=scorer,
        threshold=threshold,
        repeated_rounds=again.rounds,
        repeats=same_beginning(trained.text, again.text),
        train_rows=rows.target.size,
        engine=tuple(engine_measurements(learner, spec.compute, trained, train=rows, held=held, beginning=again)),
    )


def calibrated(spec: ModelSpec, text: str, held: Matrix, *, refuses: bool = True) -> tuple[Scorer, Threshold | None]:
    """Calibrate the trees on the calibration rows, then choose the threshold on the same rows' calibrated scores.

    What trees that rank nothing would be refused for is measured instead without `refuses`: a sigmoid that would fall
    is level, and where no threshold keeps the rule, no decision is positive.
    """
    learner = spec.learner
    raw = Scorer(text).score(held.values, threads=learner.threads)
    calibration = fit_calibration(learner.calibration, raw, held.target, classes=spec.classes, refuses=refuses)
    scorer = Scorer(text, calibration)
    if learner.task != "binary":
        return scorer, None
    score = calibrate(calibration, raw)
    rule = rule_of(spec.deployment)
    try:
        return scorer, choose_threshold(score, held.target, rule)
    except DataInvalid:
        if refuses or score.size == 0:
            raise
        return scorer, Threshold(value=math.inf, rule="no threshold keeps it", selected_share=0.0, n=score.size)


def _module(spec: ModelSpec, features: FeaturesRecord) -> FeaturesModule:
    module = load_features(spec)
    if module.digest != features.code_digest:
        message = (
            f"{spec.model}: the features were built by code {short(features.code_digest)}, {module.path} is now "
            f"{short(module.digest)}; a model is trained only with the code that made its features; build them again"
        )
        raise DataInvalid(message)
    return module


def _measurements(
    record: ModelRecord, learned: _Learned, files: Mapping[str, bytes], *, tracked: bool
) -> tuple[Measurement, ...]:
    missing = missing_conditions(record.conditions)
    said = len(dataclasses.fields(record.conditions))
    return (
        Measurement(
            metric="conditions_missing",
            value=len(missing),
            n=said,
            unit="conditions",
            facts={"missing": ", ".join(missing), **_facts(record.conditions)},
        ),
        Measurement(metric="tracked", value=float(tracked), n=1, unit="fact", facts={"run": record.run_id}),
        Measurement(
            metric="reproducible",
            value=float(learned.repeats),
            n=learned.repeated_rounds,
            unit="fact",
            facts={"rounds_repeated": learned.repeated_rounds, "tree_digest": record.tree_digest},
        ),
        Measurement(metric="rounds", value=learned.trained.rounds, n=learned.train_rows, unit="rounds"),
        Measurement(
            metric="artefact_is_text",
            value=float(all(map(_is_text, files.values()))),
            n=len(files),
            unit="fact",
            facts={name: len(content) for name, content in files.items()},
        ),
        *_decision(learned.threshold),
        *learned.engine,
    )


def _facts(conditions: Conditions) -> dict[str, Fact]:
    """Return the conditions as facts, so that they are part of the evidence."""
    return {each.name: getattr(conditions, each.name) for each in dataclasses.fields(conditions)}


def _decision(threshold: Threshold | None) -> Iterator[Measurement]:
    if threshold is not None:
        facts: dict[str, Fact] = {"rule": threshold.rule, "selected_share": threshold.selected_share}
        yield Measurement(metric="decision_threshold", value=threshold.value, n=threshold.n, facts=facts)


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return text.replace("\n", "").replace("\t", "").isprintable()
