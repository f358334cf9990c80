"""What every statistic is fed in the contract suite: its columns by role, drawn once from a fixed seed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.stats import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_platform.core.measurement import Measurement

Column = NDArray[Any]
ROWS = 200
COSTS = ((0.0, 1.0), (5.0, -0.5))

# These take no column of values, or a table of probabilities; they have tests of their own.
NOT_OF_COLUMNS = frozenset({"age_seconds", "auc_detectable_difference", "mean_detectable_growth", "row_count"})
OF_PROBABILITIES = frozenset(
    {"macro_roc_auc", "multiclass_brier", "multiclass_log_loss", "top_label_calibration_error"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The roles of a statistic's positional columns; columns of one table share a length.

    `missing_is_fine` names roles in which a missing value is a value, or is left out and counted. `constant_is_fine`
    says that the statistic is defined when every column holds one value only.
    """

    roles: tuple[str, ...]
    tables: tuple[tuple[int, ...], ...]
    missing_is_fine: tuple[str, ...] = ()
    constant_is_fine: bool = False
    options: dict[str, object] = field(default_factory=dict)


def _one(*roles: str, missing_is_fine: tuple[str, ...] = (), constant_is_fine: bool = False, **options: object) -> Case:
    return Case(
        roles=roles,
        tables=(tuple(range(len(roles))),),
        missing_is_fine=missing_is_fine,
        constant_is_fine=constant_is_fine,
        options=options,
    )


def _two(*roles: str, missing_is_fine: bool) -> Case:
    tables = tuple((place,) for place in range(len(roles)))
    return Case(roles=roles, tables=tables, missing_is_fine=roles if missing_is_fine else (), constant_is_fine=True)


CASES: dict[str, Case] = {
    "accuracy": _one("y", "decision", constant_is_fine=True),
    "average_precision": _one("y", "score"),
    "balanced_accuracy": _one("y", "decision"),
    "bias": _one("number", "other_number", constant_is_fine=True),
    "bias_share": _one("number", "other_number", constant_is_fine=True),
    "brier": _one("y", "score", constant_is_fine=True),
    "calibration_intercept": _one("y", "score"),
    "calibration_slope": _one("y", "score"),
    "class_accuracy": _one("code", "other_code", constant_is_fine=True),
    "completeness": _one("number", "group", missing_is_fine=("number", "group"), constant_is_fine=True),
    "coverage": _one("number", "other_number", constant_is_fine=True),
    "duplicate_share": _one("group", constant_is_fine=True),
    "expected_calibration_error": _one("y", "score", constant_is_fine=True),
    "expected_cost": _one("y", "decision", constant_is_fine=True, costs=COSTS),
    "expected_cost_gain": _one("y", "decision", constant_is_fine=True, costs=COSTS),
    "f1": _one("y", "decision", constant_is_fine=True),
    "false_positive_rate_difference": _one("y", "decision", "group", missing_is_fine=("group",)),
    "feature_dominance": _one("score", "other_score", "other_y", constant_is_fine=True),
    "feature_share": _one("part", "score", constant_is_fine=True),
    "generalisation_gap": Case(roles=("y", "score", "other_y", "other_score"), tables=((0, 1), (2, 3))),
    "group_accuracy_gap": _one("code", "other_code", "group", missing_is_fine=("group",)),
    "group_auc_gap": _one("y", "score", "group", missing_is_fine=("group",)),
    "group_bias_gap": _one("number", "other_number", "group", missing_is_fine=("group",)),
    "group_loss_gap": _one("score", "group", missing_is_fine=("group",)),
    "k_anonymity": _one("group", "other_group", missing_is_fine=("group", "other_group"), constant_is_fine=True),
    "kolmogorov_smirnov": _two("number", "other_number", missing_is_fine=True),
    "largest_absolute_difference": _one("score", "other_score", constant_is_fine=True),
    "lift": _one("y", "score", constant_is_fine=True),
    "log_loss": _one("y", "score", constant_is_fine=True),
    "loss_change": _one("score", "other_score", constant_is_fine=True),
    "loss_excess": _one("score", "decision"),
    "loss_change_over_seeds": _one("score", "other_score", constant_is_fine=True, of_seeds=(0.5, 0.51, 0.49)),
    "macro_f1": _one("code", "other_code", constant_is_fine=True),
    "macro_precision": _one("code", "other_code", constant_is_fine=True),
    "macro_recall": _one("code", "other_code", constant_is_fine=True),
    "mean_absolute_error": _one("number", "other_number", constant_is_fine=True),
    "median_absolute_error": _one("number", "other_number", constant_is_fine=True),
    "missing_share": _one("number", missing_is_fine=("number",), constant_is_fine=True),
    "missing_share_difference": _two("number", "other_number", missing_is_fine=True),
    "out_of_range_share": _one("number", missing_is_fine=("number",), constant_is_fine=True, least=-1.0, greatest=1.0),
    "outcome_told_by_missing": _one("number", "y", missing_is_fine=("number",)),
    "overlap_share": _two("group", "other_group", missing_is_fine=False),
    "pinball_loss": _one("number", "other_number", constant_is_fine=True, quantile=0.9),
    "precision": _one("y", "decision", constant_is_fine=True),
    "prediction_flip_share": _one("decision", "other_decision", constant_is_fine=True),
    "psi": _two("number", "other_number", missing_is_fine=True),
    "r_squared": _one("number", "other_number"),
    "rank_dependence": _one("number", "other_number", missing_is_fine=("number", "other_number")),
    "recall": _one("y", "decision", constant_is_fine=True),
    "roc_auc": _one("y", "score"),
    "roc_auc_change": _one("y", "score", reference_auc=0.8, reference_se=0.02),
    "roc_auc_difference": _one("y", "score", "other_score"),
    "root_mean_squared_error": _one("number", "other_number", constant_is_fine=True),
    "score_change": _one("score", "other_score", constant_is_fine=True),
    "selection_rate_difference": _one("decision", "group", missing_is_fine=("group",)),
    "selection_rate_ratio": _one("decision", "group", missing_is_fine=("group",)),
    "single_feature_auc": _one("number", "y", missing_is_fine=("number",)),
    "small_class_share": _one("group", "other_group", missing_is_fine=("group", "other_group"), constant_is_fine=True),
    "total_variation": _two("group", "other_group", missing_is_fine=True),
    "true_positive_rate_difference": _one("y", "decision", "group", missing_is_fine=("group",)),
    "unseen_share": _two("group", "other_group", missing_is_fine=True),
}


def columns(metric: str) -> list[Column]:
    """Return good columns for every role of a statistic."""
    drawn = _drawn()
    return [drawn[role].copy() for role in CASES[metric].roles]


def measure(metric: str, arguments: list[Column], **more: object) -> tuple[Measurement, ...]:
    """Load a statistic the way callers do and call it; one measurement comes back as a tuple of one."""
    statistic: Callable[..., Measurement | tuple[Measurement, ...]]
    statistic = getattr(importlib.import_module(CATALOGUE[metric]), metric)
    found = statistic(*arguments, **CASES[metric].options, **more)
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
        "part": score * np.linspace(0.1, 0.9, ROWS),
        "decision": (score > 0.45).astype(np.float64),
        "other_decision": (other_score > 0.45).astype(np.float64),
        "code": (np.arange(ROWS) % 3).astype(np.float64),
        "other_code": np.where(score > 0.5, np.arange(ROWS) % 3, np.arange(ROWS) % 2).astype(np.float64),
        "group": np.array(["a", "b", "b", "c"], dtype=object)[np.arange(ROWS) % 4],
        "other_group": np.array(["a", "c", "d"], dtype=object)[np.arange(ROWS) % 3],
        "number": rng.normal(size=ROWS),
        "other_number": rng.normal(0.2, size=ROWS),
    }
