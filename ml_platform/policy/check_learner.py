"""What a learner's parameters and the features module's name have to make sense of."""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from ml_platform.policy.learner_parameters import ALIASES, DECLARED_ELSEWHERE, PARAMETERS, Kind
from ml_platform.policy.problems import Problem, nearest, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import Role
from ml_platform.policy.yaml_lines import Plain

_MANUAL = "See LightGBM's documentation, 'Parameters'."


def check_learner(sections: Sections) -> Iterator[Problem]:
    """Yield the parameters that LightGBM doesn't know, takes otherwise, or that are declared elsewhere."""
    for name, value in sections.parameters.items():
        text = name_problem(name) or _value_problem(name, value)
        if text:
            yield Problem(("learner", "parameters", name), f"learner.parameters.{name} {text}")
    if sections.learner and sections.learner.half_life_days and sections.whole and not sections.with_role(Role.TIME):
        text = "learner.half_life_days is set, but no column has the role time: a row without a time has no age"
        yield Problem(("learner", "half_life_days"), f"{text}; give the role to one, or remove it")


def check_features(sections: Sections) -> Iterator[Problem]:
    """Yield what keeps the features module from being imported by its name."""
    path = sections.features
    if path is not None and not all(part.isidentifier() and not keyword.iskeyword(part) for part in path.split(".")):
        text = f"features is {seen(path)}; needed: the dotted name of a Python module as my_package.my_model.features"
        yield Problem(("features",), text)


def name_problem(name: str) -> str:
    """Say why a parameter of this name can't be set; empty when it can."""
    if name in DECLARED_ELSEWHERE:
        return f"is declared by learner.{DECLARED_ELSEWHERE[name]}; remove it here"
    if name in ALIASES:
        return f"is LightGBM's other name for '{ALIASES[name]}'; write '{ALIASES[name]}'"
    if name not in PARAMETERS:
        return f"isn't a parameter that can be set here. {nearest(PARAMETERS, name) or _MANUAL}"
    return ""


def _value_problem(name: str, value: Plain) -> str:
    return "" if fits(PARAMETERS[name], value) else f"is {seen(value)}; needed: {PARAMETERS[name]}"


def fits(kind: Kind, value: Plain) -> bool:
    """Say whether a value is of the kind that a parameter takes."""
    if kind == "a number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    types: dict[Kind, type] = {"a whole number": int, "true or false": bool, "text": str}
    return type(value) is types[kind]
