"""LightGBM through its native API: the same rows and parameters give the same trees, digit by digit."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.directions import directions
from ml_platform.learners.losses import LIGHTGBM_METRIC, LOSS_NAME
from ml_platform.learners.row_weights import class_weights, row_weights
from ml_platform.learners.rows import Rows, require_usable
from ml_platform.learners.tree_text import tree_count

if TYPE_CHECKING:
    from types import ModuleType

    from ml_platform.policy.spec import Learner

Floats = NDArray[np.float64]

# Fixed, so that a training can be repeated; `linear_tree` would leave the model without explanations.
_FIXED: Mapping[str, object] = MappingProxyType(
    {
        "deterministic": True,
        "force_row_wise": True,
        "force_col_wise": False,
        "linear_tree": False,
        "verbosity": -1,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model as text up to its best round, and its loss there on the validation rows, if it saw any.

    A round of a multiclass model grows one tree per class. The loss is the objective's own, named `validation_metric`;
    rows count in it as they would in training.
    """

    text: str
    rounds: int
    validation_loss: float | None
    validation_metric: str
    parameters: Mapping[str, object]
    library_version: str


def fit(
    learner: Learner,
    train: Rows,
    validation: Rows | None = None,
    *,
    rounds: int | None = None,
    watch: bool = False,
) -> Trained:
    """Train on the rows; stop early on the validation rows when the learner says so.

    `rounds` replaces the learner's, and then nothing stops early (to repeat the beginning of a training). `watch`
    measures the loss on the validation rows even when nothing stops early. Raises
    DataInvalid for rows that the task can't be learned from (none, an absent class, a constant or infinite target),
    for a direction that names no feature, and for parameters that keep a training from being repeated.
    """
    lightgbm = library()
    require_usable("training", train, learner, teach=True)
    parameters, by_class = parameters_of(learner, train), class_weights(learner, train)
    table = _table(lightgbm, train, row_weights(train, by_class))
    early, held = early_stopping(learner, validation, rounds=rounds, watch=watch)
    curve: dict[str, dict[str, list[float]]] = {}
    valid_sets, callbacks = [], []
    if held is not None:
        valid_sets = [_table(lightgbm, held, row_weights(held, by_class), reference=table)]
        callbacks = [lightgbm.record_evaluation(curve)]
    if early is not None:
        callbacks.insert(0, lightgbm.early_stopping(early, verbose=False))
    booster = lightgbm.train(
        parameters, table, num_boost_round=rounds or learner.rounds, valid_sets=valid_sets, callbacks=callbacks
    )
    return trained_of(learner, train, booster.model_to_string(), curve.get("valid_0", {}), parameters=parameters)


def early_stopping(
    learner: Learner, validation: Rows | None, *, rounds: int | None, watch: bool = False
) -> tuple[int | None, Rows | None]:
    """Return after how many rounds without progress to stop, and on which rows; raises DataInvalid without any.

    With `watch` the rows are returned even when nothing stops early.
    """
    early = learner.early_stopping_rounds if rounds is None else None
    if early is None and not watch:
        return None, None
    held = _present(validation)
    require_usable("validation", held, learner, teach=False)
    return early, held


def trained_of(
    learner: Learner,
    train: Rows,
    text: str,
    curve: Mapping[str, Sequence[float]],
    *,
    parameters: Mapping[str, object],
) -> Trained:
    """Return a trained model from its text and its losses on the validation rows, round by round."""
    grown = tree_count(text) // (len(train.classes) if learner.task == "multiclass" else 1)
    losses = curve.get(LIGHTGBM_METRIC[learner.objective], [])
    return Trained(
        text=text,
        rounds=grown,
        validation_loss=float(losses[grown - 1]) if losses else None,
        validation_metric=LOSS_NAME[learner.objective],
        parameters=parameters,
        library_version=library().__version__,
    )


def predict(model_text: str, values: Floats, *, threads: int = 1) -> Floats:
    """Return what the trees say of each row; the thread count changes no digit.

    Shape (n,): the probability of the positive class, or the number or quantile predicted. Shape (n, K) for
    multiclass: each class's probability, in the order of the classes' codes.
    """
    return np.asarray(_booster(model_text).predict(values, num_threads=threads), dtype=np.float64)


def contributions(model_text: str, values: Floats, *, threads: int = 1) -> Floats:
    """Return each feature's SHAP contribution to the raw score of each row, without the base value.

    Shape (n, k), and (n, K, k) for multiclass: to each class's raw score. The raw score is the log-odds (binary), the
    log of the prediction (poisson, gamma, tweedie), otherwise the prediction or the class's logit. Source: Lundberg,
    Erion and Lee 2018, Consistent Individualized Feature Attribution for Tree Ensembles.
    """
    return _contributions(model_text, values, threads)[..., :-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawScores:
    """Raw scores taken apart: `average + contributions.sum(axis=-1)` is `raw`, but for rounding.

    Shapes (n,), (n, k) and (n,); of several classes (n, K), (n, K, k) and (n, K).
    """

    average: Floats
    contributions: Floats
    raw: Floats


def raw_scores(model_text: str, values: Floats, *, threads: int = 1) -> RawScores:
    """Return the raw score of each row, the model's average, and each feature's SHAP contribution between them."""
    found = _contributions(model_text, values, threads)
    raw = _booster(model_text).predict(values, num_threads=threads, raw_score=True)
    return RawScores(average=found[..., -1], contributions=found[..., :-1], raw=np.asarray(raw, dtype=np.float64))


def _contributions(model_text: str, values: Floats, threads: int) -> Floats:
    booster = _booster(model_text)
    found = np.asarray(booster.predict(values, num_threads=threads, pred_contrib=True), dtype=np.float64)
    width = values.shape[1] + 1
    return found if found.shape[1] == width else found.reshape(len(values), -1, width)


def library() -> ModuleType:
    """Import LightGBM with threads that sleep while they wait (spinning ones cost a third more)."""
    if "lightgbm" not in sys.modules:
        # Said to OpenMP, which reads it once, when its library is loaded.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # noqa: TID251
    import lightgbm

    return lightgbm


@functools.lru_cache(maxsize=4)
def _booster(model_text: str) -> Any:  # noqa: ANN401  (LightGBM ships no types)
    tree_count(model_text)
    return library().Booster(model_str=model_text)


def _table(lightgbm: ModuleType, rows: Rows, weight: Floats | None, reference: object = None) -> Any:  # noqa: ANN401
    return lightgbm.Dataset(
        rows.values,
        rows.target,
        weight=weight,
        feature_name=list(rows.names),
        categorical_feature=list(rows.categorical),
        reference=reference,
        params={"verbosity": -1},
    )


def _present(validation: Rows | None) -> Rows:
    if validation is None:
        message = (
            "training: early_stopping_rounds is set and there are no validation rows; rows that weren't trained on are "
            "needed to know when to stop; give the split a validation part or remove early_stopping_rounds"
        )
        raise DataInvalid(message)
    return validation


def parameters_of(learner: Learner, train: Rows) -> dict[str, object]:
    """Return LightGBM's parameters; raises DataInvalid for those that keep a training from being repeated."""
    wrong = [name for name, value in _FIXED.items() if learner.parameters.get(name, value) != value]
    if wrong:
        seen = ", ".join(f"{name} is {learner.parameters[name]}" for name in wrong)
        needed = ", ".join(f"{name}: {_FIXED[name]}" for name in wrong)
        message = f"learner.parameters: {seen}; {needed} is needed to repeat and explain a training; remove it"
        raise DataInvalid(message)
    return {
        **learner.parameters,
        **_FIXED,
        "objective": learner.objective,
        "metric": LIGHTGBM_METRIC[learner.objective],
        "seed": learner.seed,
        "num_threads": learner.threads,
        **_of_the_task(learner, train),
    }


def _of_the_task(learner: Learner, train: Rows) -> dict[str, object]:
    """Return what only some models say, so that the others' files stay what they were."""
    said: dict[str, object] = {}
    if learner.task == "multiclass":
        said["num_class"] = len(train.classes)
    if learner.task == "quantile":
        said["alpha"] = learner.quantile
    signs = directions(learner, train)
    return said if signs is None else {**said, "monotone_constraints": signs}
