"""What every statistic is fed in the contract suite: its columns by role, drawn once from a fixed seed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stats import CATALOGUE

Column = NDArray[np.generic]
ROWS = 200


@dataclass(frozen=True, slots=True)
class Case:
    """The roles of a statistic's positional columns; columns of one table share a length.

    `missing_is_fine` names roles in which a missing value is a value of its own; `one_class_is_fine` says that the
    statistic is defined on outcomes of one class; `constant_is_fine` that it is defined when all columns are constant.
    """

    roles: tuple[str, ...]
    tables: tuple[tuple[int, ...], ...]
    missing_is_fine: tuple[str, ...] = ()
    constant_is_fine: bool = False
    options: dict[str, object] = field(default_factory=dict)


def _one(*roles: str, **options: object) -> Case:
    return Case(roles, (tuple(range(len(roles))),), **options)  # type: ignore[arg-type]


def _two(*roles: str, **options: object) -> Case:
    return Case(roles, tuple((place,) for place in range(len(roles))), **options)  # type: ignore[arg-type]


CASES: dict[str, Case] = {
    "roc_auc": _one("y", "score"),
    "roc_auc_difference": _one("y", "score", "other_score"),
    "log_loss": _one("y", "score", constant_is_fine=True),
    "brier": _one("y", "score", constant_is_fine=True),
    "accuracy": _one("y", "decision", constant_is_fine=True),
    "balanced_accuracy": _one("y", "decision"),
    "precision": _one("y", "decision", constant_is_fine=True),
    "recall": _one("y", "decision", constant_is_fine=True),
    "f1": _one("y", "decision", constant_is_fine=True),
    "selection_rate_ratio": _one("decision", "group", missing_is_fine=("group",)),
    "selection_rate_difference": _one("decision", "group", missing_is_fine=("group",)),
    "true_positive_rate_difference": _one("y", "decision", "group", missing_is_fine=("group",)),
    "false_positive_rate_difference": _one("y", "decision", "group", missing_is_fine=("group",)),
    "group_auc_gap": _one("y", "score", "group", missing_is_fine=("group",)),
    "psi": _two("number", "other_number", missing_is_fine=("number", "other_number"), constant_is_fine=True),
    "kolmogorov_smirnov": _two(
        "number", "other_number", missing_is_fine=("number", "other_number"), constant_is_fine=True
    ),
    "single_feature_auc": _one("number", "y", missing_is_fine=("number",)),
    "generalisation_gap": Case(("y", "score", "other_y", "other_score"), ((0, 1), (2, 3))),
}


def function(metric: str) -> Callable[..., Measurement | tuple[Measurement, ...]]:
    """Load a statistic the way callers do, through the catalogue."""
    found: Callable[..., Measurement | tuple[Measurement, ...]] = getattr(
        importlib.import_module(CATALOGUE[metric]), metric
    )
    return found


def columns(metric: str) -> list[Column]:
    """Return good columns for every role of a statistic."""
    drawn = _drawn()
    return [drawn[role].copy() for role in CASES[metric].roles]


def measure(metric: str, arguments: list[Column]) -> tuple[Measurement, ...]:
    """Call a statistic and return its measurements as a tuple, also when there is only one."""
    found = function(metric)(*arguments, **CASES[metric].options)
    return found if isinstance(found, tuple) else (found,)


def _drawn() -> dict[str, Column]:
    rng = np.random.default_rng(7)
    y, other_y = (rng.random(ROWS) < 0.4 for _ in range(2))
    score = np.clip(0.3 * y + 0.7 * rng.random(ROWS), 0, 1)
    other_score = np.clip(0.2 * other_y + 0.8 * rng.random(ROWS), 0, 1)
    return {
        "y": y.astype(np.float64),
        "other_y": other_y.astype(np.float64),
        "score": score,
        "other_score": other_score,
        "decision": (score > 0.45).astype(np.float64),
        "other_decision": (other_score > 0.45).astype(np.float64),
        "group": np.array(["a", "b", "b", "c"], dtype=object)[np.arange(ROWS) % 4],
        "number": rng.normal(size=ROWS),
        "other_number": rng.normal(0.2, size=ROWS),
    }
