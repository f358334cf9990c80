"""Statistics: one per file, numpy arrays in, a `Measurement` with interval and sample size out; they know no limits.

`CATALOGUE` says where each metric's function lives, so that a caller loads only what it measures. Everything else in
this package (columns, levels, entities, groups, influence, ...) is a building block of those functions.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_METRICS = (
    "accuracy",
    "age_seconds",
    "auc_detectable_difference",
    "average_precision",
    "balanced_accuracy",
    "bias",
    "bias_share",
    "brier",
    "calibration_intercept",
    "calibration_slope",
    "class_accuracy",
    "completeness",
    "coverage",
    "duplicate_share",
    "expected_calibration_error",
    "expected_cost",
    "expected_cost_gain",
    "f1",
    "false_positive_rate_difference",
    "feature_dominance",
    "feature_share",
    "generalisation_gap",
    "group_accuracy_gap",
    "group_auc_gap",
    "group_bias_gap",
    "group_loss_gap",
    "k_anonymity",
    "kolmogorov_smirnov",
    "largest_absolute_difference",
    "lift",
    "log_loss",
    "loss_change",
    "loss_excess",
    "loss_change_over_seeds",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "macro_roc_auc",
    "mean_absolute_error",
    "mean_detectable_growth",
    "median_absolute_error",
    "missing_share",
    "missing_share_difference",
    "multiclass_brier",
    "multiclass_log_loss",
    "out_of_range_share",
    "outcome_told_by_missing",
    "overlap_share",
    "pinball_loss",
    "precision",
    "prediction_flip_share",
    "psi",
    "r_squared",
    "rank_dependence",
    "recall",
    "roc_auc",
    "roc_auc_change",
    "roc_auc_difference",
    "root_mean_squared_error",
    "row_count",
    "score_change",
    "selection_rate_difference",
    "selection_rate_ratio",
    "single_feature_auc",
    "small_class_share",
    "top_label_calibration_error",
    "total_variation",
    "true_positive_rate_difference",
    "unseen_share",
)

CATALOGUE: Mapping[str, str] = MappingProxyType({name: f"{__name__}.{name}" for name in _METRICS})
