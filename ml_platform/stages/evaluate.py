"""Evaluate: measure a model on the frozen holdout, in every respect that a gate may ask about, judging nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.digest import digest_of, short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import EvaluationRecord, FeaturesRecord, ModelRecord, SplitRecord
from ml_platform.learners.workers import open_workers
from ml_platform.policy.spec import PersonalData, Role
from ml_platform.stages.champion import meet_champion
from ml_platform.stages.drift import measure_drift
from ml_platform.stages.expectations import measure_expectations
from ml_platform.stages.explain import explain, measure_importance
from ml_platform.stages.features import read_matrix, read_state
from ml_platform.stages.model_files import read_scorer
from ml_platform.stages.parquet import parquet_bytes
from ml_platform.stages.probes.probe import probe
from ml_platform.stages.probes.subject import Subject
from ml_platform.stages.scored_part import ScoredPart, score_part
from ml_platform.stages.spread import spread
from ml_platform.stages.task_measures import measures_of
from ml_platform.stages.training_run import headline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_platform.core.ports import ArtefactStore, Tracker
    from ml_platform.core.records import ReleaseRecord
    from ml_platform.policy.spec import ModelSpec, Profile
    from ml_platform.stages.matrix import Matrix

KIND = "evaluations"
TRAIN_ROWS = 15_000


def evaluate(
    spec: ModelSpec,
    *,
    store: ArtefactStore,
    model: ModelRecord,
    features: FeaturesRecord,
    split: SplitRecord,
    champion: ReleaseRecord | None = None,
    tracker: Tracker | None = None,
    matrix: Matrix | None = None,
    profile: Profile | None = None,
) -> Measured[EvaluationRecord]:
    """Measure a model on the holdout and store measurements, curves and scores.

    With a tracker the headline metrics are added to the model's training run. `matrix` is that of the features, for
    whoever has read it already. `profile` says whether the model is probed too (default: as its file says).
    Of the training rows at most 15,000, spread evenly, are scored. Raises DataInvalid when model, features and split
    don't belong together or the holdout has no rows, Unavailable when the engine that scores is lost.
    """
    _require_belonging(spec, model, features, split)
    matrix = read_matrix(store, features) if matrix is None else matrix
    scorer, measures = read_scorer(store, model.digest), measures_of(spec.learner.task)
    held, taught = matrix.part_of("holdout"), _sample(matrix.part_of("train"))
    _require_rows(spec, held)
    levels = _shown_levels(spec, read_state(store, features)["levels"])
    with open_workers(spec.compute) as workers:
        holdout, sample = (
            score_part(part, scorer, threshold=model.threshold, threads=spec.learner.threads, workers=workers)
            for part in (held, taught)
        )
        rival = meet_champion(
            spec, store=store, champion=champion, features=features, matrix=matrix, holdout=holdout, levels=levels,
            workers=workers,
        )  # fmt: skip
    moves = explain(holdout)
    measurements = (
        *measures.measure(spec, holdout, sample, levels),
        measure_drift(matrix.part_of("train"), holdout.matrix, seed=spec.learner.seed),
        *measure_importance(moves),
        *measure_expectations(spec, store=store, features=features, matrix=matrix, holdout=holdout),
        *rival.measurements,
    )
    profile, probes = profile or spec.profile, {}
    import msgspec

    if profile == "full":
        subject = Subject(
            spec=spec,
            store=store,
            features=features,
            model=model,
            matrix=matrix,
            holdout=holdout,
            levels=levels,
            rival=rival.score,
        )
        probed = probe(subject, champion=champion is not None)
        measurements = (*measurements, *probed.measurements)
        probes["probes.json"] = msgspec.json.encode(probed.probes)
    measurements = (*measurements, _how_deeply(profile, holdout.target.size))
    files = {
        "measurements.json": msgspec.json.encode(measurements),
        "curves.json": msgspec.json.encode(measures.draw(spec, holdout, moves.shares, rival.score)),
        **probes,
        "scores.parquet": _scores(spec, matrix, holdout),
    }
    digest = _digest(model, split, champion, files)
    record = EvaluationRecord(
        model=spec.model,
        digest=digest,
        model_digest=model.digest,
        split_digest=split.digest,
        rows=holdout.target.size,
        champion_digest=champion.candidate.model_digest if champion else "",
        profile=profile,
    )
    record = _with_reference(spec, record, measurements[0])
    unchanged = store.has(KIND, digest) or not store.put(KIND, digest, files)
    if tracker is not None:
        tracker.log_metrics(model.run_id, headline(measurements))
    return Measured(record=record, measurements=measurements, unchanged=unchanged)


def _how_deeply(profile: Profile, rows: int) -> Measurement:
    """Say that the evaluation was full; after a fast one, that the full one is missing: no failure, but no evidence."""
    full = profile == "full"
    reason = "" if full else "it was evaluated fast, and nothing is known yet of what only the full evaluation tries"
    return Measurement(
        metric="evaluated_in_full", value=1.0 if full else None, n=rows, reason=reason, facts={"profile": profile}
    )


def _shown_levels(spec: ModelSpec, levels: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return levels as they may be shown: numbered, where a column about persons doesn't declare them in the file.

    Those of a group are named: whom a model treats worse can't be said otherwise, and the file asked to be told.
    """
    named = spec.columns(Role.GROUP)
    return {
        name: found
        if name in named or spec.contract[name].levels or spec.contract[name].personal_data is PersonalData.NONE
        else [f"level {place + 1}" for place in range(len(found))]
        for name, found in levels.items()
    }


def _sample(train: Matrix) -> Matrix:
    return train.rows_of(spread(train.target.size, TRAIN_ROWS))


def _with_reference(spec: ModelSpec, record: EvaluationRecord, first: Measurement) -> EvaluationRecord:
    """Write down what live windows are compared with."""
    said = first.facts.get("standard_error")
    error = said if isinstance(said, float) else None
    if spec.learner.task == "binary":
        return replace(record, reference_auc=first.value, reference_auc_se=error)
    return replace(record, reference_loss=first.value, reference_loss_se=error)


def _scores(spec: ModelSpec, matrix: Matrix, holdout: ScoredPart) -> bytes:
    """Write the holdout's scores; of several classes `score` is the likeliest one's probability, `decision` its number.

    A number is its own decision. The probabilities of the classes are in columns of their own, by their numbers.
    """
    import pandas as pd

    frame: dict[str, NDArray[np.generic]] = {
        "row": np.flatnonzero(matrix.part == "holdout"),
        "target": holdout.target,
        "score": holdout.score,
    }
    match spec.learner.task:
        case "binary":
            frame["decision"] = holdout.decision
        case "multiclass":
            frame |= {"score": holdout.score.max(axis=1), "decision": holdout.score.argmax(axis=1)}
            frame |= {f"score_{code}": holdout.score[:, code] for code in range(len(spec.classes))}
        case "regression" | "quantile":
            frame["decision"] = holdout.score
        case task:
            assert_never(task)
    return parquet_bytes(pd.DataFrame(frame))


def _digest(model: ModelRecord, split: SplitRecord, champion: ReleaseRecord | None, files: Mapping[str, bytes]) -> str:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    rival = champion.candidate.model_digest if champion else ""
    return digest_of({"model": model.digest, "split": split.digest, "champion": rival, "files": hashes})


def _require_belonging(spec: ModelSpec, model: ModelRecord, features: FeaturesRecord, split: SplitRecord) -> None:
    if model.features_digest != features.digest or features.split_digest != split.digest:
        trained, given = (short(digest) for digest in (model.features_digest, features.digest))
        message = (
            f"{spec.model}: the model was trained on features {trained}, given are {given} with the split "
            f"{short(split.digest)}; a model is measured on its own holdout; materialise `model` again"
        )
        raise DataInvalid(message)


def _require_rows(spec: ModelSpec, holdout: Matrix) -> None:
    if not holdout.target.size:
        message = f"{spec.model}: the holdout has no rows; some are needed to measure anything; change the split"
        raise DataInvalid(message)
