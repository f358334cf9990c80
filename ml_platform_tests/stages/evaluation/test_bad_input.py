"""Whatever is handed over, `evaluate` and `compare` say in words what isn't measured; nothing crashes or warns."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_platform import compare, evaluate, judge
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.stages.evaluation import paired
from ml_platform.stages.evaluation.paired import METRICS
from ml_platform.stats.columns import flaw_of_sizes

RNG = np.random.default_rng(11)
N = 24
Y, P, X = (RNG.random(N) < 0.4) * 1.0, RNG.random(N), RNG.normal(size=N)
CODES, THREE = RNG.integers(0, 3, N) * 1.0, RNG.dirichlet([1, 1, 1], N)
INF, NAN = math.inf, math.nan

# Per case: the task, the outcomes, the scores.
ODD: dict[str, tuple[str, Any, Any]] = {
    "only positive rows": ("binary", np.ones(N), P),
    "only negative rows": ("binary", np.zeros(N), P),
    "a constant score": ("binary", Y, np.full(N, 0.5)),
    "scores of 0 alone": ("binary", Y, np.zeros(N)),
    "scores of 1 alone": ("binary", Y, np.ones(N)),
    "scores that are the outcome": ("binary", Y, Y),
    "scores that are its opposite": ("binary", Y, 1 - Y),
    "one row": ("binary", [1], [0.3]),
    "two rows": ("binary", [0, 1], [0.3, 0.4]),
    "no row": ("binary", [], []),
    "an endless outcome": ("binary", [0, INF, 1], [0.1, 0.2, 0.3]),
    "an endless score": ("binary", [0, 1, 1], [0.1, -INF, 0.3]),
    "a missing outcome": ("binary", [0, NAN, 1], [0.1, 0.2, 0.3]),
    "a third class": ("binary", [0, 2, 1], [0.1, 0.2, 0.3]),
    "scores at the end of what floats hold": ("binary", Y, P * 1e308),
    "scores next to nothing": ("binary", Y, np.full(N, 5e-324)),
    "one class of three": ("multiclass", np.zeros(N), THREE),
    "equal probabilities": ("multiclass", CODES, np.full((N, 3), 1 / 3)),
    "sure and right": ("multiclass", CODES, np.eye(3)[CODES.astype(int)]),
    "sure and wrong": ("multiclass", CODES, np.eye(3)[(CODES.astype(int) + 1) % 3]),
    "one row of three classes": ("multiclass", [1], [[0.2, 0.3, 0.5]]),
    "no row of three classes": ("multiclass", [], np.empty((0, 3))),
    "300 classes": ("multiclass", RNG.integers(0, 300, N), RNG.dirichlet(np.ones(300), N)),
    "an endless class": ("multiclass", [0, INF, 1], THREE[:3]),
    "a class beyond": ("multiclass", [0, 7, 1], THREE[:3]),
    "half a class": ("multiclass", [0, 0.5, 1], THREE[:3]),
    "probabilities that don't add up": ("multiclass", [0, 1, 1], THREE[:3] * 2),
    "a missing probability": ("multiclass", [0, 1], [[NAN, 0.5, 0.5], [1, 0, 0]]),
    "a constant number": ("regression", np.ones(N), X),
    "a constant prediction": ("regression", X, np.ones(N)),
    "predictions without an error": ("regression", X, X),
    "one number": ("regression", [1.0], [2.0]),
    "one number, predicted": ("regression", [1.0], [1.0]),
    "no number": ("regression", [], []),
    "an endless number": ("regression", [1, INF, 2], [1.0, 2, 3]),
    "an endless prediction": ("regression", [1, 2, 3], [1, INF, 2]),
    "numbers whose squares are endless": ("regression", X * 1e200, X[::-1] * 1e200),
    "numbers whose squares are nothing": ("regression", X * 1e-200, X[::-1] * 1e-200),
    "one number far out": ("regression", np.append(X, 1e30), np.append(X, 0)),
    "a constant quantile": ("quantile", X, np.ones(N)),
    "one quantile": ("quantile", [1.0], [2.0]),
    "quantiles at the end of what floats hold": ("quantile", X * 1e307, -X * 1e307),
}
WITH: dict[str, Callable[[int], dict[str, Any]]] = {
    "nothing": lambda _: {},
    "one entity": lambda n: {"entity": np.zeros(n)},
    "a missing entity": lambda n: {"entity": np.array([None, *range(1, n)][:n], dtype=object)},
    "groups of 1, 2 and 3": lambda n: {"groups": {"g": np.minimum(np.array([0, 1, 1, 2, 2, 2] + [3] * n)[:n], 3)}},
    "groups without a name": lambda n: {"groups": {"g": np.array([None] * n, dtype=object)}},
    "weights": lambda n: {"weights": np.linspace(1, 2, n)},
}


def costs_of(task: str, score: Any) -> dict[str, Any]:
    if task == "binary":
        return {"costs": {"false_positive": 1, "false_negative": 2}}
    return {"costs": 1 - np.eye(np.asarray(score).shape[1])} if task == "multiclass" else {}


def require_sense(found: Measurement) -> None:
    """Require a value within its bounds, or a reason."""
    assert found.value is not None or found.reason, found
    for one in (found.value, found.low, found.high):
        assert one is None or math.isfinite(one), found
    if found.value is not None and found.low is not None and found.high is not None:
        slack = 1e-9 * max(abs(found.value), 1)
        assert found.low - slack <= found.value <= found.high + slack, found


@pytest.mark.parametrize("name", ODD)
def test_everything_is_measured_or_has_a_reason(name: str) -> None:
    task, true, score = ODD[name]
    many = name == "300 classes"  # in groups too they would be thousands of numbers
    for more in (make for said, make in WITH.items() if not (many and "groups" in said)):
        found = evaluate(true, score, task=task, **more(len(true)), **costs_of(task, score))  # type: ignore[arg-type]
        for one in (*found.measurements, *found.by_group):
            require_sense(one)
        assert len(found.to_frame()) == len(found.measurements) + len(found.by_group)
        try:
            judge(found)
        except DataInvalid as error:
            assert "no gate of the policy speaks of" in str(error)  # noqa: PT017 - only some have a gate


@pytest.mark.parametrize("name", ODD)
def test_every_comparison_is_made_or_has_a_reason(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired, "REPETITIONS", 15)
    task, true, score = ODD[name]
    takes = {"binary": "probability", "multiclass": "classes"}.get(task, "number")
    other = np.asarray(score, dtype=np.float64)[..., ::-1] if task == "multiclass" else np.asarray(score)[::-1]
    for metric in (name for name, one in METRICS.items() if one.takes == takes):
        for challenger in (score, other):
            found = compare(true, score, challenger, metric=metric, margin=0.01)
            require_sense(found.measurement)
            for one in (found.p_value, found.p_value_worse, found.power, found.smallest_detectable):
                assert one is None or math.isfinite(one)
            assert len(judge(found)) == 2


def test_a_number_too_large_to_be_squared_is_named() -> None:
    found = evaluate([1.0, 1e200], [1.0, 2.0], task="regression")
    assert found["mean_absolute_error"].reason == "1 of 2 values of y_true are beyond 1e+145, too large to be squared"
    assert flaw_of_sizes(a=np.array([1e145, -1e145])) == ""
    assert flaw_of_sizes(a=np.array([NAN])) == "1 of 1 values of a are not finite"


def test_a_column_of_groups_that_is_there_twice_is_refused_in_four_parts() -> None:
    import pandas as pd

    groups: NDArray[np.str_] = np.array([["f", "m"]] * N)
    with pytest.raises(DataInvalid) as caught:
        evaluate(Y, P, task="binary", groups=pd.DataFrame(groups, columns=["sex", "sex"]))
    assert str(caught.value) == "evaluate: groups has several columns named 'sex'; names must differ; rename them"


@pytest.mark.parametrize("name", ODD)
def test_whatever_has_no_interval_says_why_and_the_table_has_one_form_of_nothing(name: str) -> None:
    task, true, score = ODD[name]
    found = evaluate(true, score, task=task)  # type: ignore[arg-type]
    assert all(one.reason for one in found.measurements if one.low is None or one.high is None)
    assert {str(found.to_frame()[each].dtype) for each in ("value", "low", "high")} == {"float64"}


@pytest.mark.parametrize("missing", [NAN, INF])
def test_an_outcome_that_is_missing_leaves_no_metric_of_it_defined(missing: float) -> None:
    true = np.append(CODES, missing)
    found = evaluate(true, np.vstack([THREE, THREE[:1]]), task="multiclass", groups={"g": np.arange(N + 1) % 2})
    defined = {one.metric for one in found.measurements if one.value is not None}
    assert defined == {"class_selection_rate_difference"}
    assert {one.reason.partition(" of ")[0] for one in found.measurements if one.value is None} == {"1"}


def test_a_group_of_few_says_why_there_is_no_interval() -> None:
    group = np.where(np.arange(N) < 5, "few", "many")
    found = evaluate(Y, np.where(group == "few", Y * 0.6 + 0.2, P), task="binary", groups={"g": group})
    (few,) = [one for one in found.by_group if (one.metric, one.subject) == ("average_precision", "g=few")]
    assert (few.value, few.low) == (1.0, None)
    assert few.reason.startswith("no interval: so few independent rows, or so perfect a result")


def test_a_misspelt_cost_is_named_with_the_nearest() -> None:
    with pytest.raises(
        DataInvalid, match=r"costs is 'false_postive', which isn't known; did you mean 'false_positive'"
    ):
        evaluate(Y, P, task="binary", costs={"false_postive": 1, "false_negative": 5})
