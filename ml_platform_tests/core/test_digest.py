"""The same value has the same digest, whatever its order and type of container."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.digest import canonical_json, digest_of, digest_of_bytes, short


@dataclass(frozen=True)
class Point:
    x: int
    y: tuple[int, ...]


class Seen(dict[str, int]):
    """A mapping of its own type."""


@given(st.dictionaries(st.text(), st.integers() | st.none() | st.booleans() | st.text()))
def test_the_order_of_keys_does_not_change_the_digest(value: dict[str, object]) -> None:
    assert digest_of(value) == digest_of(dict(reversed(list(value.items()))))


def test_dataclasses_dates_paths_and_sets_have_canonical_json() -> None:
    value = {"p": Point(1, (2, 3)), "d": dt.date(2013, 1, 2), "f": PurePosixPath("a/b"), "s": {"b", "a"}}
    assert canonical_json(value) == '{"d":"2013-01-02","f":"a/b","p":{"x":1,"y":[2,3]},"s":["a","b"]}'


def test_what_has_no_canonical_json_is_refused() -> None:
    with pytest.raises(TypeError, match="complex has no canonical JSON"):
        canonical_json(1j)
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_a_mapping_that_is_no_dict_is_written_like_one() -> None:
    from types import MappingProxyType

    assert canonical_json(MappingProxyType({"a": 1})) == '{"a":1}'


def test_digests_of_bytes_are_sha256_and_short_ones_have_12_digits() -> None:
    assert digest_of_bytes(b"x") == hashlib.sha256(b"x").hexdigest()
    assert short("0123456789abcdef") == "0123456789ab"
