"""LightGBM through its native API: the same rows and parameters give the same trees, digit by digit."""

from __future__ import annotations

import difflib
import functools
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.tree_text import tree_count

if TYPE_CHECKING:
    from types import ModuleType

    from ml_platform.policy.spec import Learner

Floats = NDArray[np.float64]

# Said by the model file in fields of their own, or fixed so that a run can be repeated.
_OWN_FIELDS = {
    "objective": "objective", "seed": "seed", "num_threads": "threads", "num_iterations": "rounds",
    "early_stopping_round": "early_stopping_rounds",
}
_FIXED = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
# These make LightGBM read or write elsewhere, or say again what the contract and the platform say.
_REFUSED = frozenset({
    "data", "valid", "input_model", "output_model", "machines", "machine_list_filename", "num_machines",
    "local_listen_port", "forcedsplits_filename", "forcedbins_filename", "parser_config_file", "device_type",
    "tree_learner", "force_col_wise", "gpu_device_id_list", "metric", "categorical_feature", "header", "label_column",
    "weight_column", "group_column", "ignore_column", "two_round", "linear_tree",
})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows to learn from: values of shape (n, k), outcomes 0/1 of shape (n,), the names of the k columns."""

    values: Floats
    target: Floats
    names: tuple[str, ...]
    categorical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model as text up to its best round, and its log loss there on the validation rows, if there were any."""

    text: str
    rounds: int
    validation_log_loss: float | None
    parameters: Mapping[str, object]
    library_version: str


def fit(learner: Learner, train: Rows, validation: Rows | None = None, *, rounds: int | None = None) -> Trained:
    """Train on the rows; stop early on the validation rows when the learner says so.

    `rounds` replaces the learner's, and then nothing stops early (to repeat the beginning of a training). Raises
    DataInvalid for no rows, one class, a target other than 0 and 1, infinities, and parameters LightGBM doesn't know.
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
        {**parameters, "metric": "binary_logloss"}, table, num_boost_round=rounds or learner.rounds,
        valid_sets=valid_sets, callbacks=callbacks,
    )
    text: str = booster.model_to_string()
    grown = tree_count(text)
    losses = curve.get("valid_0", {}).get("binary_logloss", [])
    return Trained(
        text=text,
        rounds=grown,
        validation_log_loss=losses[grown - 1] if losses else None,
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


def gains(model_text: str) -> Floats:
    """Return the total gain of each feature's splits, shape (k,)."""
    return np.asarray(_booster(model_text).feature_importance("gain"), dtype=np.float64)


def library() -> ModuleType:
    """Import LightGBM with threads that sleep while they wait (spinning ones cost a third more)."""
    if "lightgbm" not in sys.modules:
        # OpenMP reads this once, when its library is loaded.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import lightgbm

    return lightgbm


@functools.lru_cache(maxsize=4)
def _booster(model_text: str) -> Any:  # noqa: ANN401  (LightGBM ships no types)
    tree_count(model_text)
    return library().Booster(model_str=model_text)


def _table(lightgbm: ModuleType, rows: Rows, reference: object = None) -> Any:  # noqa: ANN401  (as above)
    return lightgbm.Dataset(
        rows.values, rows.target, feature_name=list(rows.names), categorical_feature=list(rows.categorical),
        reference=reference, params={"verbosity": -1},
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
    _require_known(learner.parameters)
    return {
        **learner.parameters, **_FIXED,
        "objective": learner.objective, "seed": learner.seed, "num_threads": learner.threads,
    }


def _require_known(parameters: Mapping[str, object]) -> None:
    known = known_parameters()
    problems = [problem for name in parameters if (problem := _problem(name, known))]
    if problems:
        raise DataInvalid("\n".join(f"learner.parameters.{problem}" for problem in problems))


def _problem(name: str, known: frozenset[str]) -> str:
    if name in _OWN_FIELDS:
        return f"{name}: has a field of its own; say it once; write learner.{_OWN_FIELDS[name]}"
    if name in _FIXED:
        return f"{name}: is fixed to {_FIXED[name]}, so that a training can be repeated; remove it"
    if name in _REFUSED:
        return f"{name}: is not the model file's to say (data, files, devices, linear trees); remove it"
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return f"{name}: LightGBM knows no such parameter (aliases aren't taken); correct or remove it.{hint}"
    return ""


@functools.cache
def known_parameters() -> frozenset[str]:
    """Return LightGBM's own names of its parameters, as it writes them into a model; aliases aren't among them."""
    lightgbm = library()
    table = lightgbm.Dataset(np.zeros((2, 1)), np.array([0.0, 1.0]), params={"verbosity": -1})
    text: str = lightgbm.train({"objective": "binary", "verbosity": -1}, table, num_boost_round=1).model_to_string()
    _, _, recorded = text.partition("\nparameters:\n")
    return frozenset(line[1:].partition(":")[0] for line in recorded.splitlines() if line.startswith("["))
