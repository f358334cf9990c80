"""What a contract has to make sense of: roles, ranges, levels, personal data, what is known when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import assert_never

from ml_platform.policy.check_coercions import coercion_fault
from ml_platform.policy.pattern import pattern_fault
from ml_platform.policy.problems import Problem, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import Column, EntitySplit, Objective, PersonalData, Role, TimeSplit, task_of

FEWEST_CLASSES = 2
# LightGBM takes nothing less for these; gamma takes no 0 either, which training refuses.
LEAST_TARGET: Mapping[Objective, float] = MappingProxyType({"poisson": 0.0, "tweedie": 0.0, "gamma": 0.0})


def check_contract(sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong with the columns, each alone and together, and with the split that needs them."""
    for name, column in sections.columns.items():
        for key, text in _column_problems(column):
            field = key.partition("[")[0]
            where = ("contract", name, field) if key else ("contract", name)
            yield Problem(where, f"contract.{name}{'.' if key else ''}{key} {text}")
    if sections.whole:
        yield from _role_problems(sections)
    yield from _split_problems(sections)


def _column_problems(column: Column) -> Iterator[tuple[str, str]]:
    yield from _value_problems(column)
    yield from _text_problems(column)
    yield from _coerce_problems(column)
    yield from _use_problems(column)
    yield from _person_problems(column)


def _value_problems(column: Column) -> Iterator[tuple[str, str]]:
    if column.range is not None:
        if column.range[0] > column.range[1]:
            yield "range", f"is {seen(column.range)}; needed: low ≤ high"
        if column.type not in {"integer", "number"}:
            yield "range", f"is given for a {column.type} column; needed: type integer or number, or no range"
    if column.levels is not None:
        if column.type != "category":
            yield "levels", f"is given for a column of type {column.type}; needed: type category, or no levels"
        if not column.levels:
            yield "levels", "is an empty list; name the levels, or leave levels out to learn them from training rows"
        twice = sorted({level for level in column.levels if column.levels.count(level) > 1})
        if twice:
            yield "levels", f"names {seen(twice[0])} more than once; needed: each level once"


def _coerce_problems(column: Column) -> Iterator[tuple[str, str]]:
    kinds = [coercion.kind for coercion in column.coerce or ()]
    if len(set(kinds)) < len(kinds):
        yield "coerce", f"states {seen(max(kinds, key=kinds.count))} more than once; needed: each kind once"
    for place, coercion in enumerate(column.coerce or ()):
        if fault := coercion_fault(coercion, column.type):
            yield f"coerce[{place}]", fault


def _text_problems(column: Column) -> Iterator[tuple[str, str]]:
    for key in ("format", "pattern"):
        if getattr(column, key) is not None and column.type != "category":
            yield key, f"is given for a column of type {column.type}; needed: type category, or no {key}"
    if column.pattern is not None and (fault := pattern_fault(column.pattern)):
        yield (
            "pattern",
            f"is {seen(column.pattern)}, but {fault}; needed: an expression in RE2's syntax for the whole text",
        )


def _use_problems(column: Column) -> Iterator[tuple[str, str]]:
    is_feature = Role.FEATURE in column.roles
    reasonless = not column.reason.strip()
    if Role.NOT_USED in column.roles and reasonless:
        yield "", "isn't used and says no reason; add `reason: ...`"
    if Role.NOT_USED in column.roles and len(column.roles) > 1:
        yield "also", "gives a role to a column that isn't used; remove not_used or the other roles"
    if column.known == "after":
        if is_feature:
            yield "known", "is 'after', so the column can't be a feature; give it the role not_used, or known: before"
        if reasonless and Role.TARGET not in column.roles:
            yield "known", "is 'after' and says no reason; add `reason: ...`"
    if is_feature and column.available_after_days > 0:
        needed = (
            "a feature is known at once; use role not_used, and make a feature of an older row's value in `assemble`"
        )
        yield "available_after_days", f"is {column.available_after_days:g} for a feature; {needed}"
    if column.role in column.also:
        yield "also", f"repeats the role {column.role.value}; remove it there"


def _person_problems(column: Column) -> Iterator[tuple[str, str]]:
    is_feature = Role.FEATURE in column.roles
    if is_feature and column.personal_data is PersonalData.DIRECT:
        yield "personal_data", "is 'direct', so the column can't be a feature; use role not_used or entity"
    elif column.personal_data is PersonalData.DIRECT and not column.roles & {Role.ENTITY, Role.NOT_USED}:
        yield "personal_data", f"is 'direct' for a column of role {column.role.value}; use role not_used or entity"
    if is_feature and column.personal_data is PersonalData.SENSITIVE and not column.reason.strip():
        yield "personal_data", "is 'sensitive' for a feature that says no reason; add `reason: ...`, or another role"


def _role_problems(sections: Sections) -> Iterator[Problem]:
    targets = sections.with_role(Role.TARGET)
    if len(targets) != 1:
        yield Problem(("contract",), f"contract has {_named(targets)} with the role target; needed: exactly one")
    for role in (Role.TIME, Role.ENTITY):
        found = sections.with_role(role)
        if len(found) > 1:
            text = f"contract has {_named(found)} with the role {role.value}; needed: one"
            yield Problem(("contract", found[1]), text)
    if not sections.with_role(Role.FEATURE):
        yield Problem(("contract",), "contract has no column with the role feature; needed: at least one")
    for name in targets:
        yield from _target_problems(sections, name)
    for name in sections.with_role(Role.TIME):
        if sections.columns[name].type != "datetime":
            text = f"contract.{name}.type is '{sections.columns[name].type}'; the time column needs type datetime"
            yield Problem(("contract", name, "type"), text)


def _target_problems(sections: Sections, name: str) -> Iterator[Problem]:
    column = sections.columns[name]
    if sections.objective is not None:
        for key, text in _task_problems(column, sections.objective):
            yield Problem(("contract", name, key), f"contract.{name}.{key} {text}")
    if len(column.roles) > 1:
        others = ", ".join(sorted(role.value for role in column.roles - {Role.TARGET}))
        yield Problem(("contract", name), f"contract.{name} is the target and also {others}; needed: the target alone")


def _task_problems(column: Column, objective: Objective) -> Iterator[tuple[str, str]]:
    """Yield what keeps a target column from being learned for an objective."""
    said = f"is '{column.type}'"
    match task_of(objective):
        case "binary":
            if column.type != "boolean" and (column.type, column.range) != ("integer", (0, 1)):
                yield "type", f"{said}; a binary target needs type boolean, or integer with range [0, 1]"
        case "multiclass":
            if column.type != "category":
                yield "type", f"{said}; a multiclass target needs type category with its levels, in their order"
            elif len(column.levels or ()) < FEWEST_CLASSES:
                seen_levels = "names one level" if column.levels else "isn't given"
                yield (
                    "levels",
                    f"{seen_levels}; a multiclass target needs its levels: their order is that of the scores",
                )
        case "regression" | "quantile":
            if column.type not in {"integer", "number"}:
                yield "type", f"{said}; objective {objective} needs a target of type number or integer"
            elif (least := LEAST_TARGET.get(objective)) is not None and (column.range or (-1.0, 0.0))[0] < least:
                yield "range", f"is {seen(column.range)}; objective {objective} needs a range from {least:g} or above"
        case task:
            assert_never(task)


def _split_problems(sections: Sections) -> Iterator[Problem]:
    split = sections.split
    if isinstance(split, EntitySplit):
        shares = (split.train, split.validation, split.calibration, split.holdout)
        if abs(sum(shares) - 1) > 1e-9:
            yield Problem(("split",), f"split's shares add up to {sum(shares):.6g}; needed: 1")
        if not all(shares):
            yield Problem(("split",), "split has a share of 0; needed: every part above 0")
    if split is not None and sections.whole:
        role = Role.TIME if isinstance(split, TimeSplit) else Role.ENTITY
        if not sections.with_role(role):
            text = f"split.kind is '{split.kind}', but no column has the role {role.value}; give it to one"
            yield Problem(("split", "kind"), text)


def _named(names: list[str]) -> str:
    return f"{len(names)} columns ({', '.join(names)})" if names else "no column"
