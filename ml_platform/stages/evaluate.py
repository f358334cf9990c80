"""Evaluate: measure a model on the frozen holdout, in every respect that a gate may ask about, judging nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.digest import digest_of, short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import EvaluationRecord, FeaturesRecord, ModelRecord, SplitRecord
from ml_platform.policy.spec import PersonalData
from ml_platform.stages.baseline import measure_baselines
from ml_platform.stages.champion import meet_champion
from ml_platform.stages.curves import draw_curves
from ml_platform.stages.drift import measure_drift
from ml_platform.stages.explain import importance, measure_importance
from ml_platform.stages.fairness import measure_fairness
from ml_platform.stages.features import read_matrix, read_state
from ml_platform.stages.model_files import read_scorer
from ml_platform.stages.parquet import parquet_bytes
from ml_platform.stages.performance import measure_performance
from ml_platform.stages.robustness import measure_robustness
from ml_platform.stages.scored_part import ScoredPart, score_part
from ml_platform.stages.slices import measure_slices
from ml_platform.stages.spread import spread
from ml_platform.stages.training_run import headline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_platform.core.ports import ArtefactStore, Tracker
    from ml_platform.core.records import ReleaseRecord
    from ml_platform.policy.spec import ModelSpec
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
) -> Measured[EvaluationRecord]:
    """Measure a model on the holdout and store measurements, curves and scores.

    With a tracker the headline metrics are added to the model's training run.
    Of the training rows at most 15,000, spread evenly, are scored. Raises DataInvalid when model, features and split
    don't belong together or the holdout has no rows.
    """
    _require_belonging(spec, model, features, split)
    matrix = read_matrix(store, features)
    scorer, threshold = read_scorer(store, model.digest), _threshold(spec, model)
    holdout = score_part(matrix.part_of("holdout"), scorer, threshold=threshold, threads=spec.learner.threads)
    _require_rows(spec, holdout)
    rival = meet_champion(spec, store=store, champion=champion, features=features, matrix=matrix, holdout=holdout)
    shares = importance(holdout)
    measurements = (
        *_measurements(spec, matrix, holdout, read_state(store, features)["levels"]),
        measure_importance(holdout, shares),
        *rival.measurements,
    )
    import msgspec

    files = {
        "measurements.json": msgspec.json.encode(measurements),
        "curves.json": msgspec.json.encode(draw_curves(holdout, shares, rival.score)),
        "scores.parquet": _scores(matrix, holdout),
    }
    digest = _digest(model, split, champion, files)
    auc = measurements[0]
    error = auc.facts.get("standard_error")
    record = EvaluationRecord(
        model=spec.model,
        digest=digest,
        model_digest=model.digest,
        split_digest=split.digest,
        rows=holdout.score.size,
        champion_digest=champion.candidate.model_digest if champion else "",
        reference_auc=auc.value,
        reference_auc_se=error if isinstance(error, float) else None,
    )
    unchanged = store.has(KIND, digest) or not store.put(KIND, digest, files)
    if tracker is not None:
        tracker.log_metrics(model.run_id, headline(measurements))
    return Measured(record=record, measurements=measurements, unchanged=unchanged)


def _shown_levels(spec: ModelSpec, levels: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return levels as they may be shown: numbered, where a column about persons doesn't declare them in the file."""
    return {
        name: found
        if spec.contract[name].levels or spec.contract[name].personal_data is PersonalData.NONE
        else [f"level {place + 1}" for place in range(len(found))]
        for name, found in levels.items()
    }


def _measurements(
    spec: ModelSpec, matrix: Matrix, holdout: ScoredPart, levels: Mapping[str, list[str]]
) -> tuple[Measurement, ...]:
    train, seed, threads = matrix.part_of("train"), spec.learner.seed, spec.learner.threads
    sample = train.rows_of(spread(train.target.size, TRAIN_ROWS))
    scored = score_part(sample, holdout.scorer, threshold=holdout.threshold, threads=threads)
    return (
        *measure_performance(holdout, scored),
        *measure_baselines(holdout, sample),
        *measure_slices(holdout, _shown_levels(spec, levels)),
        *measure_fairness(holdout),
        *measure_robustness(holdout, sample, seed=seed),
        measure_drift(train, holdout.matrix, seed=seed),
    )


def _scores(matrix: Matrix, holdout: ScoredPart) -> bytes:
    import pandas as pd

    rows = np.flatnonzero(matrix.part == "holdout")
    frame = {"row": rows, "target": holdout.target, "score": holdout.score, "decision": holdout.decision}
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


def _threshold(spec: ModelSpec, model: ModelRecord) -> float:
    if model.threshold is None:
        message = (
            f"{spec.model}: the model has no threshold; the evaluation knows binary models; choose objective binary"
        )
        raise DataInvalid(message)
    return model.threshold


def _require_rows(spec: ModelSpec, holdout: ScoredPart) -> None:
    if not holdout.score.size:
        message = f"{spec.model}: the holdout has no rows; some are needed to measure anything; change the split"
        raise DataInvalid(message)
