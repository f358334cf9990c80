"""LightGBM through its native API: the same rows and parameters give the same trees, digit by digit."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
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
class Rows:
    """Rows to learn from: values of shape (n, k), outcomes 0/1 of shape (n,), the names of the k columns."""

    values: Floats
    target: Floats
    names: tuple[str, ...]
    categorical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model as text up to its best round, and its log loss there on the validation rows, if it saw any."""

    text: str
    rounds: int
    validation_log_loss: float | None
    parameters: Mapping[str, object]
    library_version: str


def fit(learner: Learner, train: Rows, validation: Rows | None = None, *, rounds: int | None = None) -> Trained:
    """Train on the rows; stop early on the validation rows when the learner says so.

    `rounds` replaces the learner's, and then nothing stops early (to repeat the beginning of a training). Raises
    DataInvalid for no rows, one class, a target other than 0 and 1, infinities, and parameters that keep a training
    from being repeated.
    """
    lightgbm = library()
    parameters = _parameters(learner)
    _require_usable("training", train)
    table = _table(lightgbm, train)
    early = learner.early_stopping_rounds if rounds is None else None
    curve: dict[str, dict[str, list[float]]] = {}
    valid_sets, callbacks = [], []
    if early is not None:
        _require_usable("validation", _present(validation))
        valid_sets = [_table(lightgbm, _present(validation), reference=table)]
        callbacks = [lightgbm.early_stopping(early, verbose=False), lightgbm.record_evaluation(curve)]
    booster = lightgbm.train(
        parameters, table, num_boost_round=rounds or learner.rounds, valid_sets=valid_sets, callbacks=callbacks
    )
    text: str = booster.model_to_string()
    grown = tree_count(text)
    losses = curve.get("valid_0", {}).get("binary_logloss", [])
    return Trained(
        text=text,
        rounds=grown,
        validation_log_loss=float(losses[grown - 1]) if losses else None,
        parameters=parameters,
        library_version=lightgbm.__version__,
    )


def predict(model_text: str, values: Floats, *, threads: int = 1) -> Floats:
    """Return the probability of the positive class for each row, shape (n,); the thread count changes no digit."""
    return np.asarray(_booster(model_text).predict(values, num_threads=threads), dtype=np.float64)


def contributions(model_text: str, values: Floats, *, threads: int = 1) -> Floats:
    """Return each feature's SHAP contribution to the log-odds of each row, shape (n, k), without the base value.

    Source: Lundberg, Erion and Lee 2018, Consistent Individualized Feature Attribution for Tree Ensembles.
    """
    found = _booster(model_text).predict(values, num_threads=threads, pred_contrib=True)
    return np.asarray(found, dtype=np.float64)[:, :-1]


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


def _table(lightgbm: ModuleType, rows: Rows, reference: object = None) -> Any:  # noqa: ANN401  (as above)
    return lightgbm.Dataset(
        rows.values,
        rows.target,
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


def _require_usable(part: str, rows: Rows) -> None:
    flaw = _flaw(rows)
    if flaw:
        message = (
            f"{part} rows: {flaw}; finite features (missing ones are NaN) and outcomes of both classes are needed; "
            "look at the split and the target column"
        )
        raise DataInvalid(message)


def _flaw(rows: Rows) -> str:
    if rows.values.shape != (rows.target.size, len(rows.names)):
        return f"the values have the shape {rows.values.shape}, not ({rows.target.size}, {len(rows.names)})"
    if rows.target.size == 0:
        return "there are none"
    bad = int(((rows.target != 0) & (rows.target != 1)).sum())
    if bad:
        return f"{bad:,} of {rows.target.size:,} outcomes are neither 0 nor 1"
    if np.ptp(rows.target) == 0:
        return f"all {rows.target.size:,} outcomes are of one class"
    infinite = int(np.isinf(rows.values).sum())
    return f"{infinite:,} values are infinite" if infinite else ""


def _parameters(learner: Learner) -> dict[str, object]:
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
        "metric": "binary_logloss",
        "seed": learner.seed,
        "num_threads": learner.threads,
    }
