"""The reference of a release: what its rows, scores and performance were when it was proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.core.scoring import SCORING, ScoringContract
from ml_platform.stages.parquet import read_parquet
from ml_platform.stats.recalibration import logits

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import ReleaseRecord
    from ml_platform.policy.spec import ModelSpec, Task

HEADLINES: Mapping[Task, str] = MappingProxyType(
    {
        "binary": "roc_auc",
        "multiclass": "multiclass_log_loss",
        "regression": "mean_absolute_error",
        "quantile": "pinball_loss",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a version was like when it was released: training rows, holdout scores, its AUC or loss on the holdout.

    `scores` are by class where there are several, in the version's own order, else under the empty name. `headline` is
    what live windows are compared with: the AUC of a binary model, the mean loss of another, with `standard_error`;
    of several classes `ranking`, their mean AUC, too: a loss also moves with how often the classes come. `outcomes` are
    the holdout's, by their codes, in the order of the scores; `importance` is each feature's part of all explanations.
    """

    rows: pd.DataFrame
    scores: Mapping[str, pd.Series[float]]
    headline: float | None
    standard_error: float | None
    ranking: Measurement | None = None
    outcomes: NDArray[np.float64] | None = None
    threshold: float | None = None
    importance: Mapping[str, float] = field(default_factory=dict)

    @property
    def proven(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Return the holdout's outcomes, shape (n,), and its scores, shape (n, scores); None when they aren't known."""
        if self.outcomes is None:
            return None
        return self.outcomes, np.column_stack([one.to_numpy(dtype=np.float64) for one in self.scores.values()])

    @property
    def middle(self) -> float:
        """Return the mean log-odds of the holdout's first scores."""
        first = next(iter(self.scores.values()))
        return float(logits(np.asarray(first, dtype=np.float64)).mean())

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the version's classes in the order of its probabilities; none but of several classes."""
        return tuple(name for name in self.scores if name)


def read_reference(spec: ModelSpec, store: ArtefactStore, release: ReleaseRecord) -> Reference:
    """Read a release's reference from the artefacts that its candidate names; each is checked against its hash."""
    candidate = release.candidate
    rows = read_parquet(store.open("snapshots", candidate.snapshot_digest, "data.parquet"))
    parts = read_parquet(store.open("splits", candidate.split_digest, "parts.parquet"))["part"].astype(str)
    contract = _contract(store, candidate.model_digest)
    holdout = _holdout(store, release)
    measured = holdout_measurements(store, release)
    found = next((one for one in measured if one.metric == HEADLINES[spec.learner.task] and not one.subject), None)
    error = found.facts.get("standard_error") if found else None
    ranking = next((one for one in measured if one.metric == "macro_roc_auc" and not one.subject), None)
    return Reference(
        rows=rows[(parts == "train").to_numpy()],
        scores=_by_class(holdout, contract),
        headline=found.value if found else None,
        standard_error=float(error) if isinstance(error, int | float) else None,
        ranking=ranking,
        outcomes=holdout["target"].to_numpy(dtype=np.float64),
        threshold=contract.threshold,
        importance={
            one.subject: one.value for one in measured if one.metric == "feature_share" and one.value is not None
        },
    )


def holdout_scores(store: ArtefactStore, release: ReleaseRecord) -> dict[str, pd.Series[float]]:
    """Return the scores on a release's holdout, by class where there are several, else under the empty name."""
    return _by_class(_holdout(store, release), _contract(store, release.candidate.model_digest))


def _holdout(store: ArtefactStore, release: ReleaseRecord) -> pd.DataFrame:
    return read_parquet(store.open("evaluations", release.candidate.evaluation_digest, "scores.parquet"))


def _by_class(holdout: pd.DataFrame, contract: ScoringContract) -> dict[str, pd.Series[float]]:
    return {name: holdout[column] for name, column in score_columns(contract.classes)}


def holdout_measurements(store: ArtefactStore, release: ReleaseRecord) -> list[Measurement]:
    """Return what was measured on a release's holdout."""
    content = store.read("evaluations", release.candidate.evaluation_digest, "measurements.json")
    return msgspec.json.decode(content, type=list[Measurement])


def score_columns(classes: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return each class with the name of the column that holds its probabilities; without classes the one score's.

    >>> score_columns(("early", "late"))
    (('early', 'score_0'), ('late', 'score_1'))
    >>> score_columns(())
    (('', 'score'),)
    """
    return tuple((name, f"score_{code}") for code, name in enumerate(classes)) or (("", "score"),)


def _contract(store: ArtefactStore, model_digest: str) -> ScoringContract:
    """Read a version's classes and threshold from its own artefact: the model file may say others by now."""
    return msgspec.json.decode(store.read("models", model_digest, SCORING), type=ScoringContract)
