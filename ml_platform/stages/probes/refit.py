"""Refit: the model's learner trained again, on other rows, with another seed or for other outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.learners.lightgbm_native import fit
from ml_platform.stages.scored_part import ScoredPart, score_part
from ml_platform.stages.spread import spread
from ml_platform.stages.train import calibrated, rows_to_learn
from ml_platform.stages.tuned import settle

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix
    from ml_platform.stages.probes.subject import Subject

MOST_ROWS = 20_000
_STEP = 1_000_003


def taught(subject: Subject, share: float = 1.0) -> Matrix:
    """Return a share of the training rows, of at most 20,000 that are spread evenly over them."""
    train = subject.matrix.part_of("train")
    train = train.rows_of(spread(train.target.size, MOST_ROWS))
    return train.rows_of(spread(train.target.size, round(train.target.size * share)))


def is_whole(subject: Subject) -> bool:
    """Say whether a refit learns from as many rows as the model did."""
    return int((subject.matrix.part == "train").sum()) <= MOST_ROWS


def refit(
    subject: Subject, train: Matrix, *, holdout: Matrix | None = None, seed: int = 0, rounds: int | None = None
) -> ScoredPart:
    """Train as the model was trained, but on other rows; calibrate, choose the threshold, and score the holdout.

    `seed` counts the seeds from the model's own, 0. With `rounds` nothing stops early. `holdout` stands for all of it
    unless given. It trains on one machine, whatever the engine. What learned nothing is scored, too: a sigmoid that
    would fall is level. Raises DataInvalid for rows that can't be learned from.
    """
    spec, parts = settled(subject, seed), subject.matrix
    rows, stopping = rows_to_learn(spec, train, parts.part_of("validation"))
    trained = fit(spec.learner, rows, stopping, rounds=rounds)
    scorer, threshold = calibrated(spec, trained.text, parts.part_of("calibration"), refuses=False)
    return score_part(
        subject.holdout.matrix if holdout is None else holdout,
        scorer,
        threshold=threshold.value if threshold else None,
        threads=spec.learner.threads,
    )


def settled(subject: Subject, seed: int = 0) -> ModelSpec:
    """Return the model as it was trained, with the parameters that a study chose, or with another seed."""
    spec = settle(subject.spec, subject.model.tuned)
    learner = spec.learner.model_copy(update={"seed": (spec.learner.seed + seed * _STEP) % 2**31})
    return spec.model_copy(update={"learner": learner})
