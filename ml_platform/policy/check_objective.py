"""What an objective, weights, directions and a calibration have to make sense of, together and with the columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ml_platform.policy.learner_parameters import ONLY_FOR
from ml_platform.policy.problems import Problem, known, nearest, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import BINARY_CLASSES, Column, Learner, Objective, Role, Task

# They set a leaf's value anew after the tree is grown, which heeds no direction; LightGBM refuses them too.
NO_DIRECTION: frozenset[Objective] = frozenset({"regression_l1", "quantile", "mape"})
CLASSES: frozenset[Task] = frozenset({"binary", "multiclass"})
UNWEIGHTED: Mapping[str, object] = MappingProxyType({"scale_pos_weight": 1, "is_unbalance": False})


def check_objective(sections: Sections) -> Iterator[Problem]:
    """Yield what doesn't go together in the learner, and between it and the columns."""
    learner = sections.learner
    if learner is None:
        return
    for key, text in learner_problems(learner):
        where = ("learner", *key.split("."))
        yield Problem(where, f"learner.{key} {text}")
    if sections.whole:
        yield from _class_problems(sections, learner)
        yield from _weight_problems(sections, learner)
        yield from _reweigh_problems(sections, learner)


def learner_problems(learner: Learner) -> Iterator[tuple[str, str]]:
    """Yield what doesn't go together within a learner: the key below `learner`, and what is wrong with it."""
    objective, parameters = learner.objective, learner.parameters
    if objective == "quantile" and learner.quantile is None:
        yield "quantile", "is missing; objective quantile needs it: which share of the outcomes lies below, as 0.9"
    if objective != "quantile" and learner.quantile is not None:
        yield "quantile", f"is given for objective {objective}; needed: objective quantile, or no quantile"
    for name in parameters:
        fitting = ONLY_FOR.get(name, (objective,))
        if objective not in fitting:
            yield f"parameters.{name}", f"is read only by objective {', '.join(fitting)}, not by {objective}; remove it"
    if learner.monotone and (learner.task == "multiclass" or objective in NO_DIRECTION):
        needed = "LightGBM can't hold a direction with it; choose another objective, or remove monotone"
        yield "monotone", f"is given for objective {objective}; {needed}"
    if parameters.get("boosting") == "dart" and learner.early_stopping_rounds is not None:
        needed = "DART changes earlier trees, so nothing can stop early; remove it, or choose another boosting"
        yield "early_stopping_rounds", f"is given with boosting dart; {needed}"
    if learner.reweigh and learner.task != "binary":
        yield "reweigh", f"is given, but the task is {learner.task}; only rows of two classes are reweighed; remove it"
    for name in sorted({name for name in learner.reweigh if learner.reweigh.count(name) > 1}):
        yield "reweigh", f"names {seen(name)} twice; needed: each column once; remove one"
    yield from _reweighting_problems(learner)


def _reweighting_problems(learner: Learner) -> Iterator[tuple[str, str]]:
    native = [name for name, neutral in UNWEIGHTED.items() if learner.parameters.get(name, neutral) != neutral]
    if learner.task not in CLASSES:
        if learner.class_weight is not None:
            yield "class_weight", f"is given, but objective {learner.objective} has no classes; use weights"
        if learner.calibration in {"isotonic", "platt"}:
            yield "calibration", f"is {seen(learner.calibration)}; objective {learner.objective} gives no probabilities"
        return
    if learner.class_weight is not None and native:
        yield f"parameters.{native[0]}", "weighs the classes, and class_weight does too; remove one"
    if (learner.class_weight is not None or native) and learner.calibration is None:
        by = "class_weight" if learner.class_weight is not None else native[0]
        needed = "say calibration: platt or isotonic, or none if the scores are no probabilities to anyone"
        yield "calibration", f"is missing; {by} makes rare classes' probabilities too large; {needed}"


def _class_problems(sections: Sections, learner: Learner) -> Iterator[Problem]:
    targets = sections.with_role(Role.TARGET)
    if not isinstance(learner.class_weight, dict) or len(targets) != 1 or learner.task not in CLASSES:
        return
    names = BINARY_CLASSES if learner.task == "binary" else sections.columns[targets[0]].levels or ()
    for name in learner.class_weight:
        if name not in names:
            text = f"learner.class_weight names {seen(name)}, which is no class; {known(names, name)}"
            yield Problem(("learner", "class_weight", name), text)


def _weight_problems(sections: Sections, learner: Learner) -> Iterator[Problem]:
    columns = sections.with_role(Role.WEIGHT)
    for name in columns:
        if name != learner.weights:
            text = f"contract.{name} has the role weight, but learner.weights doesn't name it; write `weights: {name}`"
            yield Problem(("contract", name, "role"), text)
    if learner.weights is None:
        return
    if learner.weights not in columns:
        needed = "needed: a column with the role weight"
        near = nearest(columns or sections.columns, learner.weights)
        yield Problem(("learner", "weights"), f"learner.weights is {seen(learner.weights)}; {needed}. {near}".rstrip())
        return
    column = sections.columns[learner.weights]
    for key, text in _column_problems(column):
        yield Problem(("contract", learner.weights, key), f"contract.{learner.weights}.{key} {text}")


def _reweigh_problems(sections: Sections, learner: Learner) -> Iterator[Problem]:
    groups = sections.with_role(Role.GROUP)
    for name in learner.reweigh:
        if name not in groups:
            needed = "needed: a column with the role group"
            near = nearest(groups or sections.columns, name)
            yield Problem(("learner", "reweigh"), f"learner.reweigh names {seen(name)}; {needed}. {near}".rstrip())


def _column_problems(column: Column) -> Iterator[tuple[str, str]]:
    if column.type not in {"integer", "number"}:
        yield "type", f"is '{column.type}'; a weight needs type number or integer"
    elif column.range is None or column.range[0] < 0:
        said = "isn't given" if column.range is None else f"is {seen(column.range)}"
        yield "range", f"{said}; a weight needs a range from 0 or above"
    if column.missing > 0:
        yield "missing", f"is {column.missing:g}; a weight is never missing: needed: 0"
