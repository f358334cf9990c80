"""LightGBM's parameters that a model file may set, by their documented names, with the kind of value each takes.

Source: LightGBM 4 documentation, "Parameters". Left out: what is declared elsewhere in the model file, what names
files, machines, devices or columns by number, and what only objectives read that a model file can't name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Kind = Literal["a whole number", "a number", "true or false", "text"]

_NAMES_AND_ALIASES: Mapping[Kind, Mapping[str, str]] = {
    "a whole number": {
        "bagging_freq": "subsample_freq",
        "bin_construct_sample_cnt": "subsample_for_bin",
        "max_bin": "max_bins",
        "max_cat_threshold": "",
        "max_cat_to_onehot": "",
        "max_depth": "",
        "max_drop": "",
        "min_data_in_bin": "",
        "min_data_in_leaf": "min_child_samples min_data min_data_per_leaf min_samples_leaf",
        "min_data_per_group": "",
        "num_grad_quant_bins": "",
        "num_leaves": "max_leaf max_leaf_nodes max_leaves num_leaf",
        "verbosity": "verbose",
    },
    "a number": {
        "alpha": "",
        "bagging_fraction": "bagging sub_row subsample",
        "cat_l2": "",
        "cat_smooth": "",
        "cegb_penalty_split": "",
        "cegb_tradeoff": "",
        "drop_rate": "rate_drop",
        "early_stopping_min_delta": "",
        "fair_c": "",
        "feature_fraction": "colsample_bytree sub_feature",
        "feature_fraction_bynode": "colsample_bynode sub_feature_bynode",
        "lambda_l1": "l1_regularization reg_alpha",
        "lambda_l2": "l2_regularization lambda reg_lambda",
        "learning_rate": "eta shrinkage_rate",
        "linear_lambda": "",
        "max_delta_step": "max_leaf_output max_tree_output",
        "min_gain_to_split": "min_split_gain",
        "min_sum_hessian_in_leaf": "min_child_weight min_hessian min_sum_hessian min_sum_hessian_per_leaf",
        "monotone_penalty": "mc_penalty monotone_splits_penalty ms_penalty",
        "neg_bagging_fraction": "neg_bagging neg_sub_row neg_subsample",
        "other_rate": "",
        "path_smooth": "",
        "poisson_max_delta_step": "",
        "pos_bagging_fraction": "pos_bagging pos_sub_row pos_subsample",
        "scale_pos_weight": "",
        "sigmoid": "",
        "skip_drop": "",
        "top_rate": "",
        "tweedie_variance_power": "",
    },
    "true or false": {
        "boost_from_average": "",
        "deterministic": "",
        "enable_bundle": "bundle is_enable_bundle",
        "extra_trees": "extra_tree",
        "feature_pre_filter": "",
        "first_metric_only": "",
        "force_col_wise": "",
        "force_row_wise": "",
        "is_enable_sparse": "enable_sparse is_sparse sparse",
        "is_unbalance": "unbalance unbalanced_sets",
        "linear_tree": "linear_trees",
        "quant_train_renew_leaf": "",
        "reg_sqrt": "",
        "stochastic_rounding": "",
        "uniform_drop": "",
        "use_missing": "",
        "use_quantized_grad": "",
        "xgboost_dart_mode": "",
        "zero_as_missing": "",
    },
    "text": {
        "boosting": "boost boosting_type",
        "data_sample_strategy": "",
        "interaction_constraints": "",
        "metric": "metric_types metrics",
        "monotone_constraints_method": "mc_method monotone_constraining_method",
    },
}
# What only some objectives read: of the others it would change nothing, though it looks as if it did.
ONLY_FOR: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "alpha": ("huber",),
        "fair_c": ("fair",),
        "is_unbalance": ("binary",),
        "neg_bagging_fraction": ("binary",),
        "pos_bagging_fraction": ("binary",),
        "poisson_max_delta_step": ("poisson",),
        "reg_sqrt": ("regression",),
        "scale_pos_weight": ("binary",),
        "sigmoid": ("binary",),
        "tweedie_variance_power": ("tweedie",),
    }
)
_FIELDS_AND_NAMES: Mapping[str, str] = {
    "objective": "objective app application loss objective_type",
    "seed": "seed random_seed random_state",
    "threads": "num_threads n_jobs nthread nthreads num_thread",
    "monotone": "monotone_constraints mc monotone_constraint monotonic_cst",
    "weights": "weight_column weight",
    "rounds": (
        "num_iterations max_iter n_estimators n_iter nrounds num_boost_round num_iteration num_round num_rounds"
        " num_tree num_trees"
    ),
    "early_stopping_rounds": "early_stopping_round early_stopping early_stopping_rounds n_iter_no_change",
}

PARAMETERS: Mapping[str, Kind] = MappingProxyType(
    {name: kind for kind, names in _NAMES_AND_ALIASES.items() for name in names}
)
ALIASES: Mapping[str, str] = MappingProxyType(
    {alias: name for names in _NAMES_AND_ALIASES.values() for name, text in names.items() for alias in text.split()}
)
DECLARED_ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {name: field for field, names in _FIELDS_AND_NAMES.items() for name in names.split()}
)
