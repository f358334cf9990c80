"""Follows a pydantic error's location through the schema to the place in the YAML file."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias, Union

from pydantic import BaseModel

from ml_platform.policy.problems import Where

Annotation: TypeAlias = Any  # a type hint of any form: the language has no type for it


def follow(annotation: Annotation, location: Sequence[str | int]) -> tuple[Where, Annotation]:
    """Return the place in the file (tags of unions left out) and the type expected there; None when it's unknown."""
    where: list[str | int] = []
    at = _bare(annotation)
    for part in location:
        if part == "[key]":
            break
        if _is_union(at):
            at = _member(at, part)
            continue
        where.append(part)
        at = _bare(_step(at, part))
    return tuple(where), at


def fields_of(at: Annotation) -> tuple[str, ...]:
    """Return the field names of a model class, of nothing else."""
    return tuple(at.model_fields) if _is_model(at) else ()


def tags_of(at: Annotation) -> tuple[str, ...]:
    """Return the tags of a tagged union, in order; nothing for any other type."""
    return tuple(tag for member in typing.get_args(at) for tag in _tags(member)) if _is_union(at) else ()


def _bare(annotation: Annotation) -> Annotation:
    if _origin(annotation) is Annotated:
        return _bare(typing.get_args(annotation)[0])
    if _is_union(annotation):
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else annotation
    return annotation


def _origin(annotation: Annotation) -> Annotation:
    return typing.get_origin(annotation)


def _is_union(annotation: Annotation) -> bool:
    return _origin(annotation) in {Union, types.UnionType}


def _is_model(annotation: Annotation) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _step(at: Annotation, part: str | int) -> Annotation:
    if _is_model(at):
        field = at.model_fields.get(part)
        return field.annotation if field else None
    arguments = typing.get_args(at)
    if _origin(at) is dict:
        return arguments[1]
    if _origin(at) is tuple and isinstance(part, int):
        return arguments[0] if arguments[-1] is Ellipsis else arguments[part]
    return None


def _member(union: Annotation, part: str | int) -> Annotation:
    for member in map(_bare, typing.get_args(union)):
        if part in _tags(member) or str(part).startswith(getattr(_origin(member), "__name__", "\0")):
            return member
    return None


def _tags(member: Annotation) -> tuple[str, ...]:
    field = member.model_fields.get("kind") if _is_model(member) else None
    literal = field.annotation if field else None
    return tuple(typing.get_args(literal)) if _origin(literal) is Literal else ()
