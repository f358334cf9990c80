from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.errors import PolicyInvalid, Unavailable
from ml_platform.policy.problems import Problem
from ml_platform.policy.yaml_lines import DEEPEST, LARGEST_BYTES, LinedYaml, parse_yaml, read_yaml


def problems_of(text: str) -> list[str]:
    document = parse_yaml(text, "f.yaml")
    return document.render(list(document.problems))


def refusal_of(text: str) -> str:
    with pytest.raises(PolicyInvalid) as caught:
        parse_yaml(text, "f.yaml")
    return str(caught.value)


def test_every_key_and_every_item_knows_its_line() -> None:
    document = parse_yaml("a: 1\nb:\n  - x\n  - {c: 'true'}\nd: |\n  text\n", "f.yaml")
    assert document.value == {"a": 1, "b": ["x", {"c": "true"}], "d": "text\n"}
    assert [document.line(place) for place in [("a",), ("b",), ("b", 0), ("b", 1, "c"), ("d",)]] == [1, 2, 3, 4, 5]
    assert document.problems == ()


def test_the_line_of_a_missing_place_is_that_of_what_surrounds_it() -> None:
    document = parse_yaml("a: 1\nb: {c: 2}\n", "f.yaml")
    assert document.line(("b", "d", "e")) == 2
    assert document.line(("z",)) == 1
    assert LinedYaml(file="f", value=None, lines={}, problems=()).line(("z",)) == 1


def test_the_value_at_a_place_is_none_where_nothing_is() -> None:
    document = parse_yaml("a: [1, {b: 2}]\n", "f.yaml")
    assert document.at(("a", 1, "b")) == 2
    assert [document.at(place) for place in [("z",), ("a", 5), ("a", "b"), ("a", 0, "c")]] == [None] * 4


def test_a_key_given_twice_is_refused_with_both_lines_and_the_first_value_is_kept() -> None:
    document = parse_yaml("a: 1\nb: 2\na: {c: .nan, c: 1}\n", "f.yaml")
    assert document.value == {"a": 1, "b": 2}
    assert document.render(list(document.problems)) == [
        "f.yaml:3: a is given twice, first in line 1; remove one of them"
    ]


def test_all_small_problems_of_a_file_are_collected() -> None:
    found = problems_of("a: &x 1\nb: !!python/object:os.system 2\nc: .inf\n1: x\n? !t d\n: 1\n")
    assert [line.split(":")[1] for line in found] == ["1", "2", "3", "4", "5"]
    assert "anchors aren't read" in found[0]
    assert "tags aren't read" in found[1]
    assert "needed: a finite number" in found[2]
    assert "the key '1' isn't text" in found[3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f.yaml:1: the file is empty"),
        ("# only a remark\n", "f.yaml:1: the file is empty"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: a second document begins"),
        ("a: 1\nb: *a\n", "f.yaml:2: '*a' refers to another place"),
        ("a: &a [*a]\n", "f.yaml:1: '*a' refers to another place"),
        ("a:\n  <<: {b: 1}\n", "f.yaml:2: merge keys"),
        ("a: 1\n[b]: 2\n", "f.yaml:2: a key of the file is no plain text"),
        ("a:\n\t- b\n", "f.yaml:2: this isn't YAML"),
        ("a: [1\nb: 2\n", "this isn't YAML"),
        ("a: 'x\n", "this isn't YAML"),
        ("a: b: c\n", "f.yaml:1: this isn't YAML"),
        ("[" * 20_000, f"f.yaml:1: is nested more than {DEEPEST} deep"),
    ],
)
def test_broken_syntax_is_refused_with_its_line(text: str, said: str) -> None:
    assert said in refusal_of(text)


def test_an_alias_bomb_is_refused_at_its_first_alias() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(20))
    assert refusal_of(bomb).startswith("f.yaml:2:")


def test_quoted_text_stays_text() -> None:
    assert parse_yaml("a: '010'\nb: \"yes\"\n'<<': \"nan\"\n", "f").value == {"a": "010", "b": "yes", "<<": "nan"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb: \xff\n", "f.yaml:2: a byte isn't UTF-8"),
        (b"a: 1\nb: \x07\n", "f.yaml:2: holds the control character"),
        (b"a: 1\x00\n", "f.yaml:1: holds the control character"),
        (b"#" * (LARGEST_BYTES + 1), "f.yaml:1: is larger than"),
    ],
)
def test_a_file_that_is_no_readable_text_is_refused_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(PolicyInvalid, match=said):
        read_yaml(path)


def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(path).value == {"a": 1}


@pytest.mark.parametrize("name", ["absent.yaml", ".", "file/inside.yaml"])
def test_a_missing_file_is_its_authors_mistake(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PolicyInvalid, match="there is no such file"):
        read_yaml(tmp_path / name)


def test_a_file_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.symlink_to(path)
    with pytest.raises(Unavailable, match="can't be read"):
        read_yaml(path)


def test_problems_are_rendered_in_the_order_of_the_file_and_once() -> None:
    document = parse_yaml("a: 1\nb: 2\n", "f.yaml")
    problems = [Problem(("b",), "late"), Problem(("a",), "early"), Problem(("b",), "late"), Problem((), "else", 9)]
    assert document.render(problems) == ["f.yaml:1: early", "f.yaml:2: late", "f.yaml:9: else"]


@given(st.text(max_size=60))
def test_any_text_is_either_read_or_refused_with_a_line(text: str) -> None:
    try:
        problems = list(problems_of(text))
    except PolicyInvalid as error:
        problems = list(error.problems)
    assert all(problem.startswith("f.yaml:") for problem in problems)
