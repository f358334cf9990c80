"""Shapley values by their definition: every subset of features, every tree walked from its JSON dump."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shapley(model_text: str, row: Floats, classes: int = 1) -> tuple[Floats, Floats]:
    """Return the average (K,) and the Shapley values (K, k) of a row's raw scores.

    A feature that isn't in a subset is averaged out along the paths, by the training rows that took them: what
    "path-dependent" TreeSHAP means.
    """
    import lightgbm

    trees = lightgbm.Booster(model_str=model_text).dump_model()["tree_info"]
    features = range(row.size)
    values = {
        subset: expected(trees, row, frozenset(subset), classes)
        for size in range(row.size + 1)
        for subset in itertools.combinations(features, size)
    }
    found = np.zeros((classes, row.size))
    for at in features:
        others = [one for one in features if one != at]
        for size in range(row.size):
            weight = math.factorial(size) * math.factorial(row.size - size - 1) / math.factorial(row.size)
            for subset in itertools.combinations(others, size):
                found[:, at] += weight * (values[tuple(sorted((*subset, at)))] - values[subset])
    return values[()], found


def expected(trees: list[dict[str, Any]], row: Floats, known: frozenset[int], classes: int) -> Floats:
    """Return the expected raw score of each class when only some features are known."""
    total = np.zeros(classes)
    for place, tree in enumerate(trees):
        total[place % classes] += _below(tree["tree_structure"], row, known)
    return total


def _below(node: dict[str, Any], row: Floats, known: frozenset[int]) -> float:
    if "split_index" not in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return _below(left if _goes_left(node, float(row[node["split_feature"]])) else right, row, known)
    return sum(_below(child, row, known) * _rows(child) / _rows(node) for child in (left, right))


def _rows(node: dict[str, Any]) -> float:
    return float(node["internal_count"] if "split_index" in node else node["leaf_count"])


def _goes_left(node: dict[str, Any], value: float) -> bool:
    if node["decision_type"] == "==":
        return not math.isnan(value) and str(int(value)) in str(node["threshold"]).split("||")
    if math.isnan(value) and node["missing_type"] == "NaN":
        return bool(node["default_left"])
    return (0.0 if math.isnan(value) else value) <= float(node["threshold"])
