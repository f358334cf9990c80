"""Training run: what is written down of a training in the tracker, so that it can be found and repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ml_platform.core.digest import canonical_json
from ml_platform.core.ports import TrainingRun
from ml_platform.learners.engine import shape_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml_platform.core.measurement import Measurement
    from ml_platform.core.records import FeaturesRecord, ModelRecord
    from ml_platform.policy.spec import ModelSpec


def training_run(
    spec: ModelSpec,
    features: FeaturesRecord,
    record: ModelRecord,
    *,
    artefact: Mapping[str, bytes],
    example: NDArray[np.float64],
) -> TrainingRun:
    """Return the run of a trained model; its files only by name, for none but the store holds them.

    `example` is one feature row, shape (k,), for the tracker's signature.
    """
    learner = spec.learner
    return TrainingRun(
        model=spec.model,
        parameters={
            **learner.parameters,
            "learner": learner.kind,
            "objective": learner.objective,
            "seed": learner.seed,
            "threads": learner.threads,
            "rounds_at_most": learner.rounds,
            "early_stopping_rounds": learner.early_stopping_rounds,
            "split": spec.split.kind,
            "features": spec.features,
            **_used(spec),
            **_compute(spec),
        },
        metrics=record.metrics,
        tags=_tags(features, record),
        conditions=record.conditions,
        files=tuple(sorted(artefact)),
        example={name: (float(value),) for name, value in zip(features.names, example, strict=True)},
        classes=spec.classes if learner.task == "multiclass" else (),
    )


def _used(spec: ModelSpec) -> dict[str, str]:
    """Return the learner's options that only some models use, as text."""
    said = spec.learner.model_dump(
        mode="json", include={"quantile", "monotone", "weights", "class_weight", "calibration", "reweigh"}
    )
    return {name: value if isinstance(value, str) else canonical_json(value) for name, value in said.items()}


def _compute(spec: ModelSpec) -> dict[str, str | int]:
    """Return where the workers were, if there were several; a setting's name, never what it holds."""
    compute = spec.compute
    if compute is None or not spec.is_distributed:
        return {}
    workers, threads = shape_of(compute)
    return {
        "compute_engine": compute.engine,
        "compute_workers": workers,
        "compute_threads_per_worker": threads,
        "compute_scheduler": compute.scheduler or "started for the stage",
    }


def headline(measurements: Iterable[Measurement]) -> dict[str, float]:
    """Return the values that hold for the whole holdout, by metric; those of single features, groups and slices not."""
    return {one.metric: one.value for one in measurements if one.value is not None and not one.subject}


def _tags(features: FeaturesRecord, record: ModelRecord) -> dict[str, str]:
    conditions = record.conditions
    return {
        "snapshot_digest": features.snapshot_digest,
        "split_digest": features.split_digest,
        "features_digest": features.digest,
        "features_code_digest": features.code_digest,
        "parameters_digest": record.parameters_digest,
        "environment_digest": conditions.environment_digest,
        "model_digest": record.digest,
        "tree_digest": record.tree_digest,
        "git_commit": conditions.git_commit,
        "git_dirty": str(conditions.git_dirty).lower(),
        "cpu": conditions.cpu,
        "python": conditions.python,
        "learner_version": conditions.learner_version,
        "seeds": conditions.seeds,
        "lock": conditions.lock,
        "platform_digest": conditions.platform_digest,
        "waiting": conditions.waiting,
        "system": conditions.system,
        "engine": conditions.engine,
        "trained_by": record.trained_by,
        "trained_at": record.trained_at.isoformat(),
        **({"tuning_digest": record.tuning_digest} if record.tuning_digest else {}),
    }
