"""Label ground: what labels are planned from: rows of a snapshot, their groups, what predictions of them cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import EvaluationRecord
from ml_platform.policy.spec import ModelSpec, Role
from ml_platform.stages.encode_target import encode_target
from ml_platform.stages.parquet import read_parquet
from ml_platform.stages.reference import score_columns
from ml_platform.stages.row_losses import constant_scores, row_losses

MOST_LEVELS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The loss of each of some rows of a snapshot; `places` says which rows, `of` whose predictions they are."""

    values: NDArray[np.float64]
    places: NDArray[np.intp]
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelGround:
    """A model's newest snapshot; `evaluation` is that of its newest model on these rows, if there is one."""

    spec: ModelSpec
    rows: pd.DataFrame
    store: ArtefactStore
    evaluation: EvaluationRecord | None

    @property
    def outcome(self) -> NDArray[np.float64]:
        """Return the outcomes: 0 or 1, a class's place, or the number."""
        return encode_target(self.spec, self.rows[self.spec.target])

    def groups(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Yield which rows are of each group of people, by a number: what a group is called may name somebody."""
        for name in self.spec.columns(Role.GROUP):
            texts = self.rows[name].astype(str)
            levels = sorted(texts.unique())
            if len(levels) <= MOST_LEVELS:
                yield from ((f"{name} {place + 1}", (texts == each).to_numpy()) for place, each in enumerate(levels))

    def losses(self) -> Losses:
        """Return the losses on the newest model's holdout, or without a model those of the best constant on all."""
        if self.evaluation is not None:
            return self._of_model(self.evaluation)
        outcome, learner = self.outcome, self.spec.learner
        constant = constant_scores(learner, outcome, outcome.size, classes=len(self.spec.classes))
        values = row_losses(learner, outcome, constant)
        return Losses(values=values, places=np.arange(outcome.size), of="the best constant, as there is no model yet")

    def _of_model(self, evaluation: EvaluationRecord) -> Losses:
        found = read_parquet(self.store.open("evaluations", evaluation.digest, "scores.parquet"))
        classes = self.spec.classes if self.spec.learner.task == "multiclass" else ()
        score = found[[column for _, column in score_columns(classes)]].to_numpy(dtype=np.float64)
        target = found["target"].to_numpy(dtype=np.float64)
        values = row_losses(self.spec.learner, target, score if classes else score[:, 0])
        return Losses(values=values, places=found["row"].to_numpy(), of="the newest model on its holdout")
