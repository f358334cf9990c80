"""Tree text: the part of a LightGBM model file that is the model, without what the file says about its making."""

from __future__ import annotations

import hashlib
import re

from ml_platform.core.errors import DataInvalid

_END = "\nend of trees"
_FIRST = "\nTree=0\n"
# The bit of a split's decision type that says that its threshold is the number of a set of levels.
_CATEGORICAL = 1
_LEAVES = re.compile(r"^num_leaves=(\d+)$", re.MULTILINE)
_OBJECTIVE = re.compile(r"^objective=(.+)$", re.MULTILINE)
# Depends on how many trees there are, not on what they say.
_SIZES = re.compile(r"^tree_sizes=.*\n", re.MULTILINE)


def tree_digest(model_text: str) -> str:
    """Return the SHA-256 of header and trees; the recorded parameters (thread count, paths) don't count.

    Raises DataInvalid when the text is no LightGBM model with at least one tree.
    """
    return hashlib.sha256(_body(model_text).encode()).hexdigest()


def same_beginning(model_text: str, shorter_text: str) -> bool:
    """Say whether a shorter model is, tree by tree and digit by digit, the beginning of a longer one.

    False when the "shorter" one has more trees. Raises DataInvalid as `tree_digest` does.
    """
    header, trees = _parts(model_text)
    shorter_header, shorter_trees = _parts(shorter_text)
    return header == shorter_header and trees[: len(shorter_trees)] == shorter_trees


def tree_count(model_text: str) -> int:
    """Return the number of trees."""
    return len(_parts(model_text)[1])


def leaf_count(model_text: str) -> int:
    """Return the number of leaves of all trees."""
    return sum(int(leaves) for leaves in _LEAVES.findall(_body(model_text)))


def raw_unit(model_text: str) -> str:
    """Return what a raw score is counted in: log-odds, logit, log of the prediction; "" when it is the prediction."""
    said = _OBJECTIVE.search(_body(model_text))
    name, *more = (said[1] if said else "").split()
    match name:
        case "binary" if "sigmoid:1" in more:
            return "log-odds"
        case "multiclass":
            return "logit"
        case "poisson" | "gamma" | "tweedie":
            return "log of the prediction"
        case "regression" | "regression_l1" | "huber" | "fair" | "mape" | "quantile" if "sqrt" not in more:
            return ""
        case _:
            return "raw score"


def split_thresholds(model_text: str) -> dict[str, tuple[float, ...]]:
    """Return where the trees cut each numeric feature, ascending: a value at a threshold goes left, one above it right.

    Raises DataInvalid as `tree_digest` does.
    """
    header, trees = _parts(model_text)
    names = _field(header, "feature_names")
    found: dict[str, set[float]] = {name: set() for name in names}
    for tree in trees:
        cuts = zip(*(_field(tree, key) for key in ("split_feature", "threshold", "decision_type")), strict=True)
        for feature, threshold, kind in cuts:
            if not int(kind) & _CATEGORICAL:
                found[names[int(feature)]].add(float(threshold))
    return {name: tuple(sorted(cuts)) for name, cuts in found.items() if cuts}


def _field(text: str, key: str) -> list[str]:
    """Return the values of one line of a header or tree; none where it isn't there, as in a tree of one leaf."""
    line = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
    return line.group(1).split() if line else []


def _parts(model_text: str) -> tuple[str, list[str]]:
    header, _, trees = _body(model_text).partition(_FIRST)
    found = re.split(r"^Tree=\d+$", trees, flags=re.MULTILINE)
    return _SIZES.sub("", header + "\n"), [tree.strip() for tree in found]


def _body(model_text: str) -> str:
    end = model_text.find(_END)
    if not model_text.startswith("tree\n") or end < 0 or _FIRST not in model_text[:end]:
        message = (
            f"the model text ({len(model_text):,} characters): no LightGBM model with at least one tree; "
            "complete text is needed, from `tree` to `end of trees`; train again"
        )
        raise DataInvalid(message)
    return model_text[:end]
