"""Losses: what LightGBM calls each objective's own loss, and what we call it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.policy.spec import Objective

LIGHTGBM_METRIC: Mapping[Objective, str] = MappingProxyType(
    {
        "binary": "binary_logloss",
        "multiclass": "multi_logloss",
        "regression": "l2",
        "regression_l1": "l1",
        "huber": "huber",
        "fair": "fair",
        "poisson": "poisson",
        "gamma": "gamma",
        "tweedie": "tweedie",
        "mape": "mape",
        "quantile": "quantile",
    }
)
LOSS_NAME: Mapping[Objective, str] = MappingProxyType(
    {
        "binary": "log_loss",
        "multiclass": "log_loss",
        "regression": "mean_squared_error",
        "regression_l1": "mean_absolute_error",
        "huber": "huber_loss",
        "fair": "fair_loss",
        "poisson": "poisson_loss",
        "gamma": "gamma_loss",
        "tweedie": "tweedie_loss",
        "mape": "mean_absolute_percentage_error",
        "quantile": "pinball_loss",
    }
)
