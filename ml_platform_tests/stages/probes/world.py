"""A trained toy model to be probed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_platform.stages.matrix import Matrix
from ml_platform.stages.model_files import read_scorer
from ml_platform.stages.probes.subject import Subject
from ml_platform.stages.scored_part import score_part
from ml_platform.stages.train import train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_spec

if TYPE_CHECKING:
    import numpy as np


def subject_in(folder: Path, **changes: Any) -> Subject:
    """Train the toy model in a folder; `changes` are those of its model file."""
    root, spec = repository(folder), toy_spec(**changes)
    store = FakeStore(root / "home")
    features, _ = stored(store, spec)
    model = train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root).record
    return subject_of(spec, store, features, model)


def subject_of(spec: Any, store: FakeStore, features: Any, model: Any) -> Subject:
    from ml_platform.stages.features import read_matrix

    matrix = read_matrix(store, features)
    holdout = score_part(
        matrix.part_of("holdout"), read_scorer(store, model.digest), threshold=model.threshold, threads=1
    )
    return Subject(spec=spec, store=store, features=features, model=model, matrix=matrix, holdout=holdout, levels={})


def with_target(matrix: Matrix, target: np.ndarray[Any, Any]) -> Matrix:
    import dataclasses

    return dataclasses.replace(matrix, target=target)
