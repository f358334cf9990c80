"""What declared expectations have to make sense of: inputs, values that may be sent, answers that the model gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ml_platform.policy.check_rules import value_faults
from ml_platform.policy.expectations import Constant, Directional, EdgeCase, Invariant
from ml_platform.policy.problems import Problem, known, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import BINARY_CLASSES, Column, Role, Task

_NUMBERS = frozenset({"integer", "number"})


def check_expectations(sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong with the section `expectations`, as far as contract and learner are well-formed."""
    expected = sections.expectations
    if expected is None or not sections.whole or sections.learner is None:
        return
    task = sections.learner.task
    inputs = {name: sections.columns[name] for name in sections.with_role(Role.FEATURE)}
    classes = _classes(sections, task)
    for name, case in expected.edge_cases.items():
        for text in (*_row_faults(case.row, inputs), *_answer_faults(case, task, classes)):
            yield Problem(("expectations", "edge_cases", name), f"expectations.edge_cases.{name} {text}")
    for place, one in enumerate(expected.invariant):
        before = [each.subject for each in expected.invariant[:place]]
        for text in (*_repeated(one.subject, before), *_invariant_faults(one, inputs, task, classes)):
            yield Problem(("expectations", "invariant", place), f"expectations.invariant[{place}] {text}")
    for place, move in enumerate(expected.directional):
        before = [each.subject for each in expected.directional[:place]]
        for text in (*_repeated(move.subject, before), *_directional_faults(move, inputs, task, classes)):
            yield Problem(("expectations", "directional", place), f"expectations.directional[{place}] {text}")


def _repeated(subject: str, before: Sequence[str]) -> Iterator[str]:
    if subject in before:
        yield "says the same as an entry before it; remove one"


def _classes(sections: Sections, task: Task) -> tuple[str, ...]:
    """Return the names of the classes; of a multiclass target without levels, which is refused elsewhere, none."""
    targets = sections.with_role(Role.TARGET)
    levels = sections.columns[targets[0]].levels if targets else None
    return BINARY_CLASSES if task == "binary" else (levels or ()) if task == "multiclass" else ()


def _row_faults(row: Mapping[str, Constant | None], inputs: Mapping[str, Column]) -> Iterator[str]:
    for name, value in row.items():
        if name not in inputs:
            yield no_input(name, inputs)
        elif value is None:
            if not inputs[name].missing:
                yield f"holds nothing for {seen(name)}, of which the contract lets none be missing; write a value"
        else:
            yield from sent_faults(name, inputs[name], value)
    if lacking := [name for name in inputs if name not in row]:
        yield f"lacks the input {seen(lacking[0])}; every input is needed, null where it is missing"


def sent_faults(name: str, column: Column, value: Constant) -> Iterator[str]:
    """Yield why a service would refuse a value."""
    faults = list(value_faults(name, column, value))
    yield from faults
    if not faults and column.range is not None and isinstance(value, int | float):
        low, high = column.range
        if not low <= value <= high:
            yield f"holds {seen(value)} against {seen(name)}; needed: {low:g} to {high:g}, as the contract says"


def _answer_faults(case: EdgeCase, task: Task, classes: tuple[str, ...]) -> Iterator[str]:
    ranged = case.at_least is not None or case.at_most is not None
    if not ranged and case.decision is None:
        yield "expects nothing; needed: at_least, at_most or decision"
    if case.at_least is not None and case.at_most is not None and case.at_least > case.at_most:
        yield f"has at_least {seen(case.at_least)} and at_most {seen(case.at_most)}; needed: at_least below at_most"
    if case.decision is not None and not classes:
        yield f"has a decision, but a {task} model gives a number; needed: at_least or at_most"
    elif case.decision is not None and case.decision not in classes:
        yield f"has the decision {seen(case.decision)}; {known(classes, case.decision)}"
    yield from _class_faults(case.of, task, classes, needed=ranged)


def _class_faults(of: str | None, task: Task, classes: tuple[str, ...], *, needed: bool) -> Iterator[str]:
    """Yield what is wrong with the class whose probability is meant."""
    if of is not None and not (task == "multiclass" and needed):
        yield f"has of {seen(of)}; it names the class whose probability is meant, of several; remove it"
    elif task == "multiclass" and needed and of not in classes:
        yield f"has of {seen(of)}; it names the class whose probability is meant; {known(classes, of)}"


def _invariant_faults(
    one: Invariant, inputs: Mapping[str, Column], task: Task, classes: tuple[str, ...]
) -> Iterator[str]:
    strangers = [name for name in one.columns if name not in inputs]
    yield from (no_input(name, inputs) for name in strangers)
    if len(set(one.columns)) < len(one.columns):
        yield "names a column twice; needed: each once"
    if one.values is not None and len(one.columns) > 1:
        yield "has values for several columns; needed: one column"
    elif one.values is not None and not strangers:
        name = one.columns[0]
        yield from (text for value in one.values for text in sent_faults(name, inputs[name], value))
        if one.values[0] == one.values[1]:
            yield "exchanges a value with itself; needed: two values"
    if classes and one.within is not None:
        yield "has within, which is for numbers; a decision changes or doesn't; remove it"
    if task in {"regression", "quantile"} and one.within is None:
        yield "lacks within: by how much a predicted number may move and count as unchanged; add it"


def _directional_faults(
    one: Directional, inputs: Mapping[str, Column], task: Task, classes: tuple[str, ...]
) -> Iterator[str]:
    column = inputs.get(one.column)
    if column is None:
        yield no_input(one.column, inputs)
    elif column.type not in _NUMBERS:
        yield f"moves {seen(one.column)}, a {column.type}; needed: an integer or a number"
    elif column.type == "integer" and (one.by is None or not one.by.is_integer()):
        yield f"moves {seen(one.column)}, an integer; needed: by, a whole number"
    if (one.by is None) == (one.factor is None):
        yield "has by and factor, or neither; needed: one of them"
    elif one.by == 0 or one.factor == 1:
        yield "moves nothing; needed: by other than 0, or a factor other than 1"
    yield from _class_faults(one.of, task, classes, needed=True)


def no_input(name: str, inputs: Mapping[str, Column]) -> str:
    """Say that a column isn't an input, and which are."""
    return (
        f"names {seen(name)}, which is no input (role feature), so that the model never sees it; {known(inputs, name)}"
    )
