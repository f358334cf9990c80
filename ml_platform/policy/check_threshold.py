"""What the rule for a threshold has to make sense of: one rule, of a binary score, with costs that tell rows apart."""

from __future__ import annotations

from collections.abc import Iterator

from ml_platform.policy.problems import Problem
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import Costs

_SECTION = "deployment"


def check_threshold(sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong with the rules by which `deployment` turns a score into a decision."""
    if sections.deployment is None:
        return
    first, *others = sections.deployment.rules or ("",)
    for name in others:
        needed = "a model has one rule for its threshold; remove one"
        yield Problem((_SECTION, name), f"{_SECTION}.{name} is given beside {_SECTION}.{first}; {needed}")
    if sections.learner is not None and sections.learner.task != "binary":
        for name in sections.deployment.rules:
            text = f"is given, but the task is {sections.learner.task}; only a binary score selects; remove it"
            yield Problem((_SECTION, name), f"{_SECTION}.{name} {text}")
    if sections.deployment.costs is not None:
        yield from _cost_problems(sections.deployment.costs)


def _cost_problems(costs: Costs) -> Iterator[Problem]:
    for wrong, right in (("false_positive", "true_negative"), ("false_negative", "true_positive")):
        dear, cheap = getattr(costs, wrong), getattr(costs, right)
        if dear <= cheap:
            needed = f"needed: more than {right} ({cheap:g}), or every row would be decided alike"
            yield Problem((_SECTION, "costs", wrong), f"{_SECTION}.costs.{wrong} is {dear:g}; {needed}")
