"""Statistics: one per file, numpy arrays in, a `Measurement` with interval and sample size out; they know no limits.

`CATALOGUE` says where each metric's function lives, so that a caller loads only what it measures. Everything else in
this package (columns, levels, entities, groups, influence, ...) is a building block of those functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_METRICS = (
    "accuracy",
    "balanced_accuracy",
    "brier",
    "f1",
    "false_positive_rate_difference",
    "generalisation_gap",
    "group_auc_gap",
    "kolmogorov_smirnov",
    "log_loss",
    "precision",
    "psi",
    "recall",
    "roc_auc",
    "roc_auc_difference",
    "selection_rate_difference",
    "selection_rate_ratio",
    "single_feature_auc",
    "true_positive_rate_difference",
)

CATALOGUE: Mapping[str, str] = MappingProxyType({name: f"{__name__}.{name}" for name in _METRICS})
