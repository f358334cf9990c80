"""Made rows and learners for every task."""

from __future__ import annotations

from typing import Any

import numpy as np

from ml_platform.learners.rows import Floats, Rows
from ml_platform.policy.spec import Learner, Objective

CLASSES = ("none", "late", "lost")
NUMBERS: tuple[Objective, ...] = (
    "regression", "regression_l1", "huber", "fair", "poisson", "gamma", "tweedie", "mape", "quantile",
)  # fmt: skip


def learner(objective: Objective = "binary", **changes: Any) -> Learner:
    said = {
        "kind": "lightgbm",
        "objective": objective,
        "seed": 7,
        "threads": 1,
        "rounds": 12,
        "parameters": {"num_leaves": 7, "bagging_fraction": 0.8, "bagging_freq": 1},
        **({"quantile": 0.8} if objective == "quantile" else {}),
    }
    return Learner.model_validate(said | changes)


def rows(objective: Objective = "binary", n: int = 400, *, seed: int = 1, **changes: Any) -> Rows:
    """Return rows whose first column says something of the target and whose third is a category."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 3))
    values[:, 2] = rng.integers(0, 4, n)
    values[rng.random(n) < 0.1, 1] = np.nan
    signal = values[:, 0] + 0.3 * values[:, 2] + rng.normal(size=n)
    target, classes = _outcomes(objective, signal)
    said: dict[str, Any] = {
        "values": values,
        "target": target,
        "names": ("a", "b", "place"),
        "categorical": ("place",),
        "classes": classes,
    }
    return Rows(**(said | changes))


def _outcomes(objective: Objective, signal: Floats) -> tuple[Floats, tuple[str, ...]]:
    match objective:
        case "binary":
            return (signal > 0.5).astype(np.float64), ("negative", "positive")
        case "multiclass":
            return np.digitize(signal, [0.2, 1.5]).astype(np.float64), CLASSES
        case _:
            return np.exp(signal / 2), ()
