from __future__ import annotations

import csv
import io
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Csv
from ml_platform.sources.content import describe, parse_table
from ml_platform.sources.dialect import DELIMITERS, dialect_of


@pytest.mark.parametrize(("sign", "said"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_a_delimiter_is_detected_and_said(sign: str, said: str) -> None:
    written = f'a{sign}b{sign}c\n1{sign}"x, y; z"{sign}2,5\n3{sign}w{sign}4,5\n'.encode()
    facts = describe("t", written, Csv())
    assert (facts["delimiter"], facts["header"]) == (f"{said} (detected)", "first row")
    if sign != ",":
        assert parse_table("t", written, form=Csv(decimal=",")).to_pydict()["c"] == [2.5, 4.5]


def test_one_column_needs_no_delimiter() -> None:
    assert parse_table("t", b"note\nhello\nworld\n").to_pydict() == {"note": ["hello", "world"]}


def test_what_is_stated_counts() -> None:
    form = Csv(delimiter=":", quote="'", names=("x", "y"))
    assert parse_table("t", b"1:'a:b'\n2:c\n", form=form).to_pydict() == {"x": [1, 2], "y": ["a:b", "c"]}
    facts = describe("t", b"1:'a:b'\n2:c\n", form)
    assert (facts["delimiter"], facts["header"]) == ("':' (stated)", "none (names stated)")


def test_numbers_can_be_names_when_that_is_stated() -> None:
    assert parse_table("t", b"0,1\n2,3\n", form=Csv(header=True)).to_pydict() == {"0": [2], "1": [3]}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (Csv(header=False), "holds no names"),
        (Csv(decimal=",", delimiter=","), "a comma stands between cells and in numbers too"),
        (Csv(delimiter="\n"), "that no CSV file can have"),
        (Csv(delimiter="ü"), "that no CSV file can have"),
        (Csv(delimiter='"'), "that no CSV file can have"),
        (Csv(quote="\r"), "that no CSV file can have"),
        (Csv(names=("x",)), "row 1 has 2 cells; 1 are needed, as many as `csv.names`"),
    ],
)
def test_a_form_that_can_not_be_is_refused(form: Csv, words: str) -> None:
    with pytest.raises(DataInvalid, match=words):
        parse_table("t", b"a,b\nx,y\n", form=form)


def test_asked_columns_alone_are_returned_in_the_order_of_the_file() -> None:
    assert parse_table("t", b"a,b,c\n1,2,3\n", columns=["c", "a"]).to_pydict() == {"a": [1], "c": [3]}
    with pytest.raises(DataInvalid, match="has no column d; `columns` asks for it"):
        parse_table("t", b"a,b,c\n1,2,3\n", columns=["d"])


def test_a_cell_longer_than_pythons_reader_takes_is_left_to_the_parser() -> None:
    long = "x" * 200_000
    assert parse_table("t", f"a,b\n{long},1\n".encode()).to_pydict() == {"a": [long], "b": [1]}


CELL = st.text(string.ascii_letters + string.digits + " ,;|\t\"'\n", min_size=1, max_size=8)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(DELIMITERS), st.lists(st.tuples(CELL, CELL, CELL), min_size=4, max_size=12))
def test_pythons_own_writer_is_understood(sign: str, rows: list[tuple[str, str, str]]) -> None:
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=sign, quoting=csv.QUOTE_ALL)
    writer.writerow(("alpha", "beta", "gamma"))
    writer.writerows(rows)
    assert dialect_of("t", sink.getvalue(), Csv()).delimiter == sign
