from __future__ import annotations

import pytest

from ml_platform.policy.gates import Gate, Override, Pack, Waiver
from ml_platform.policy.problems import Where
from ml_platform.policy.schema import Annotation, fields_of, follow, tags_of
from ml_platform.policy.spec import ModelSpec, PackageTable, PolicyChoice, Source


@pytest.mark.parametrize(
    ("schema", "location", "where", "expected"),
    [
        (ModelSpec, (), (), ModelSpec),
        (ModelSpec, ("source", "tables", "t", "package", "package"), ("source", "tables", "t", "package"), str),
        (ModelSpec, ("source", "tables", "t"), ("source", "tables", "t"), "union"),
        (ModelSpec, ("source", "tables", "a b", "[key]"), ("source", "tables", "a b"), "union"),
        (ModelSpec, ("policy", "waivers", 3), ("policy", "waivers", 3), Waiver),
        (ModelSpec, ("contract", "c", "range", 1), ("contract", "c", "range", 1), float),
        (ModelSpec, ("policy",), ("policy",), PolicyChoice),
        (Override, ("limit", "float"), ("limit",), None),
        (Override, ("limit", "tuple[float, float]", 0), ("limit", 0), float),
        (Gate, ("holds", "limit"), ("limit",), None),
        (Pack, ("gates", "g", "nothing", "limit"), ("gates", "g", "limit"), None),
        (int, ("a", "b"), ("a", "b"), None),
    ],
)
def test_a_location_is_followed_to_its_place_and_type(
    schema: Annotation, location: Where, where: Where, expected: Annotation
) -> None:
    place, at = follow(schema, location)
    assert place == where
    assert tags_of(at) == ("package", "file", "url", "sql") if expected == "union" else at == expected


def test_fields_and_tags_are_those_of_models_and_unions_alone() -> None:
    assert fields_of(PackageTable) == ("kind", "package", "path", "csv", "columns")
    assert fields_of(Source)[0] == "tables"
    assert fields_of(float) == ()
    assert tags_of(float) == ()
    assert tags_of(follow(Pack, ("gates", "g"))[1]) == ("at_least", "at_most", "between", "holds")
