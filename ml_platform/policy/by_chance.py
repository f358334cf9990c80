"""By chance: whether a learner draws anything at random, so that another seed could make another model."""

from __future__ import annotations

from collections.abc import Collection, Mapping

NOTHING = "nothing in this learner is drawn by chance"
# Boosting and sampling that drop trees or rows at random, whatever else is said.
_DRAWING = frozenset({"rf", "dart", "goss"})
_FRACTIONS_OF_ROWS = ("bagging_fraction", "pos_bagging_fraction", "neg_bagging_fraction")
_FRACTIONS_OF_FEATURES = ("feature_fraction", "feature_fraction_bynode")
_SWITCHES = ("extra_trees", "use_quantized_grad")
_NAMES = frozenset(
    {"boosting", "data_sample_strategy", "bagging_freq", "bin_construct_sample_cnt"}
    | {*_FRACTIONS_OF_ROWS, *_FRACTIONS_OF_FEATURES, *_SWITCHES}
)


def draws_by_chance(parameters: Mapping[str, object], searched: Collection[str] = ()) -> bool:
    """Say whether LightGBM, with these parameters by their documented names, reads its seed.

    Of a parameter that is `searched` for, and of a value that isn't understood, that is supposed. Bins are drawn from
    200,000 rows unless `bin_construct_sample_cnt` says otherwise; fewer rows are all looked at. Source: LightGBM 4
    documentation, "Parameters".

    >>> draws_by_chance({"num_leaves": 31, "bagging_fraction": 0.8}), draws_by_chance({"feature_fraction": 0.8})
    (False, True)
    """
    return (
        bool(_NAMES.intersection(searched))
        or "bin_construct_sample_cnt" in parameters
        or bool(_DRAWING.intersection({parameters.get("boosting"), parameters.get("data_sample_strategy")}))
        or (parameters.get("bagging_freq", 0) != 0 and any(_below_one(parameters, name) for name in _FRACTIONS_OF_ROWS))
        or any(_below_one(parameters, name) for name in _FRACTIONS_OF_FEATURES)
        or any(parameters.get(name, False) is not False for name in _SWITCHES)
    )


def _below_one(parameters: Mapping[str, object], name: str) -> bool:
    value = parameters.get(name, 1.0)
    return not (isinstance(value, int | float) and value >= 1)
