"""What a study over the learner's parameters has to make sense of: names, ranges, choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

from ml_platform.policy.check_learner import fits, name_problem
from ml_platform.policy.check_objective import learner_problems
from ml_platform.policy.learner_parameters import PARAMETERS, Kind
from ml_platform.policy.problems import Problem, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import Dimension, Learner

_MEASURE = "changes the very loss that trials are compared by"
_FIXED = "is no matter of trial and error"
NOT_SEARCHED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("alpha", "fair_c", "is_unbalance", "scale_pos_weight", "tweedie_variance_power"), _MEASURE),
        **dict.fromkeys(("deterministic", "first_metric_only", "force_col_wise", "force_row_wise"), _FIXED),
        **dict.fromkeys(("interaction_constraints", "linear_tree", "metric", "verbosity"), _FIXED),
    }
)


def check_tuning(sections: Sections) -> Iterator[Problem]:
    """Yield the parameters that can't be searched for, and ranges and choices that hold nothing to search in."""
    if sections.tuning is None:
        return
    for name, dimension in sections.tuning.space.items():
        for text in _texts(name, dimension, sections.learner):
            yield Problem(("tuning", "space", name), f"tuning.space.{name} {text}")


def _texts(name: str, dimension: Dimension, learner: Learner | None) -> Iterator[str]:
    if flaw := name_problem(name):
        yield flaw
    elif name in NOT_SEARCHED:
        yield f"{NOT_SEARCHED[name]}; set it in learner.parameters"
    elif dimension.choices is not None:
        yield from _choice_flaws(PARAMETERS[name], dimension)
    elif dimension.low is None or dimension.high is None:
        yield "holds no range; needed: `{low: …, high: …}` or `{choices: […]}`"
    else:
        yield from _range_flaws(PARAMETERS[name], dimension, dimension.low, dimension.high)
    if learner is not None:
        yield from _together(name, dimension, learner)


def _choice_flaws(kind: Kind, dimension: Dimension) -> Iterator[str]:
    choices = dimension.choices or ()
    if (dimension.low, dimension.high, dimension.step, dimension.log) != (None, None, None, False):
        yield "has choices and a range; needed: one of them"
    if len(set(choices)) < len(choices) or len(choices) < 2:
        yield f"has the choices {seen(list(choices))}; needed: two or more that differ"
    for choice in choices:
        if not fits(kind, choice):
            yield f"has the choice {seen(choice)}; needed: {kind}"


def _range_flaws(kind: Kind, dimension: Dimension, low: float, high: float) -> Iterator[str]:
    if kind not in {"a number", "a whole number"}:
        yield f"has a range, but takes {kind}; needed: `{{choices: […]}}`"
        return
    for key, value in (("low", low), ("high", high), ("step", dimension.step)):
        if value is not None and not fits(kind, value):
            yield f"has {key} {seen(value)}; needed: {kind}"
    if low >= high:
        yield f"has low {seen(low)} and high {seen(high)}; needed: low below high"
    if dimension.log and low <= 0:
        yield f"is searched on a logarithmic scale and has low {seen(low)}; needed: more than 0, or no log"
    if dimension.step is not None:
        yield from _step_flaws(dimension, low, high, dimension.step)


def _step_flaws(dimension: Dimension, low: float, high: float, step: float) -> Iterator[str]:
    if dimension.log:
        yield "has a step and a logarithmic scale; needed: one of them"
    if step <= 0:
        yield f"has step {seen(step)}; needed: more than 0"
    elif (Decimal(str(high)) - Decimal(str(low))) % Decimal(str(step)) != 0:
        yield f"has step {seen(step)}, which doesn't lead from {seen(low)} to {seen(high)}; change one of them"


def _together(name: str, dimension: Dimension, learner: Learner) -> Iterator[str]:
    """Yield what a value would break in the learner that is whole without it."""
    before = set(learner_problems(learner))
    found: dict[str, None] = {}
    for value in dimension.choices or (dimension.low,):
        if value is not None:
            tried = learner.model_copy(update={"parameters": {**learner.parameters, name: value}})
            found |= {
                f"at {seen(value)}: learner.{key} {text}": None
                for key, text in learner_problems(tried)
                if (key, text) not in before
            }
    yield from found
