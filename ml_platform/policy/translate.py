"""Turns pydantic's errors into sentences: where, what was seen, what is needed, the nearest match."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from ml_platform.policy.problems import Problem, Where, known, path_text, seen
from ml_platform.policy.schema import Annotation, fields_of, follow, tags_of
from ml_platform.policy.yaml_lines import Plain

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Value: TypeAlias = Any  # whatever the schema describes, or None

_QUOTE = "'"
_NAME = "small letters, digits and _, beginning with a letter, at most 63"
_TAGS = frozenset({"union_tag_invalid", "union_tag_not_found"})
_LEAVES = frozenset({"float_type", "int_type", "bool_type", "string_type", "too_short", "literal_error"})
_NEEDED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "string_type": lambda _: "text",
    "string_too_short": lambda context: f"at least {context['min_length']} characters",
    "string_pattern_mismatch": lambda _: _NAME,
    "int_type": lambda _: "a whole number",
    "float_type": lambda _: "a number",
    "bool_type": lambda _: "true or false",
    "dict_type": lambda _: "a mapping (`key: value`)",
    "model_type": lambda _: "a mapping (`key: value`)",
    "tuple_type": lambda _: "a list (`[a, b]`)",
    "too_short": lambda context: f"at least {context['min_length']} entries",
    "too_long": lambda context: f"at most {context['max_length']} entries",
    "missing": lambda _: "an entry",
    "greater_than_equal": lambda context: f"at least {context['ge']:g}",
    "greater_than": lambda context: f"more than {context['gt']:g}",
    "less_than": lambda context: f"less than {context['lt']:g}",
    "less_than_equal": lambda context: f"at most {context['le']:g}",
    "date_type": lambda _: "a date as 2013-05-01",
    "date_parsing": lambda _: "a date as 2013-05-01",
    "date_from_datetime_parsing": lambda _: "a date as 2013-05-01",
    "datetime_type": lambda _: "a time with its zone as 2013-05-01T00:00:00Z",
    "datetime_parsing": lambda _: "a time with its zone as 2013-05-01T00:00:00Z",
    "timezone_aware": lambda _: "a time with its zone as 2013-05-01T00:00:00Z",
}


def validate(schema: Annotation, value: Plain, prefix: Where = ()) -> tuple[Value, list[Problem]]:
    """Validate strictly; return the value and no problems, or None and all of them (places begin with `prefix`)."""
    try:
        return _adapter(schema).validate_json(json.dumps(value), strict=True), []
    except ValidationError as error:
        return None, _translate(error, schema, prefix)


@lru_cache(maxsize=64)
def _adapter(schema: Annotation) -> TypeAdapter[Any]:
    return TypeAdapter(schema)


def _translate(error: ValidationError, schema: Annotation, prefix: Where) -> list[Problem]:
    groups: dict[Where, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        where, _ = follow(schema, detail["loc"])
        where = (*where, "kind") if detail["type"] in _TAGS else where
        groups.setdefault(where, []).append(detail)
    return [
        Problem((*prefix, *where), _sentence(where, details, schema))
        for where, details in groups.items()
        if not (_LEAVES.issuperset(detail["type"] for detail in details) and _holds_another(where, groups))
    ]


def _holds_another(where: Where, places: Iterable[Where]) -> bool:
    """Say whether a place lies inside `where`: then the list was meant, and its item is what's wrong."""
    return any(len(place) > len(where) and place[: len(where)] == where for place in places)


def _sentence(where: Where, details: list[ErrorDetails], schema: Annotation) -> str:
    detail = details[0]
    name, value, context = path_text(where), detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            _, owner = follow(schema, detail["loc"][:-1])
            return f"{name} isn't known here; {known(fields_of(owner), where[-1])}"
        case "missing":
            return f"{name} is missing; add it"
        case "literal_error" | "enum":
            choices = context["expected"].replace(" or ", ", ").split(", ")
            return f"{name} is {seen(value)}; {known([choice.strip(_QUOTE) for choice in choices], value)}"
        case kind if kind in _TAGS:
            tag = context.get("tag")
            _, union = follow(schema, detail["loc"])
            return f"{name} is {seen(tag) if tag else 'missing'}; {known(tags_of(union), tag)}"
        case "string_pattern_mismatch" if detail["loc"][-1] == "[key]":
            return f"{name}: the name {seen(value)} can't be used; needed: {_NAME}"
        case _:
            needed = dict.fromkeys(_needed(each) for each in details)
            return f"{name} is {seen(value)}; needed: {', or '.join(needed)}"


def _needed(detail: ErrorDetails) -> str:
    words = _NEEDED.get(detail["type"])
    return words(detail.get("ctx", {})) if words else detail["msg"]
