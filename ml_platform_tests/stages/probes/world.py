"""A trained toy model to be probed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ml_platform.stages.features import read_matrix
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.model_files import read_scorer
from ml_platform.stages.probes.subject import Subject
from ml_platform.stages.scored_part import score_part
from ml_platform.stages.train import train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_spec

LEARNER: dict[str, Any] = {
    "kind": "lightgbm", "objective": "binary", "seed": 7, "threads": 1, "rounds": 30,
    "parameters": {"num_leaves": 7, "min_data_in_leaf": 10, "bagging_fraction": 0.7, "bagging_freq": 1},
}  # fmt: skip


def trained_in(folder: Path, **changes: Any) -> Subject:
    """Train the toy model in a folder; `changes` are those of its model file."""
    root, spec = repository(folder), toy_spec(**changes)
    store = FakeStore(root / "home")
    features, _ = stored(store, spec)
    model = train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root).record
    matrix = read_matrix(store, features)
    holdout = score_part(
        matrix.part_of("holdout"), read_scorer(store, model.digest), threshold=model.threshold, threads=1
    )
    return Subject(spec=spec, store=store, features=features, model=model, matrix=matrix, holdout=holdout, levels={})


def with_target(subject: Subject, target: Any) -> Subject:
    """Return the subject with other outcomes of all rows, shape (n,); the holdout's scores stay."""
    matrix = dataclasses.replace(subject.matrix, target=target)
    held: Matrix = matrix.part_of("holdout")
    return dataclasses.replace(subject, matrix=matrix, holdout=dataclasses.replace(subject.holdout, matrix=held))
