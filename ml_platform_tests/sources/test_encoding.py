from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Csv
from ml_platform.sources import encoding
from ml_platform.sources.content import describe, parse_table
from ml_platform.sources.encoding import Encoding, as_utf8, encoding_of

TOWNS = "name,stadt\nMüller,Köln\nGroß,Düsseldorf\nJürgen Schäfer,Münster\n"
ROWS = {"name": ["Müller", "Groß", "Jürgen Schäfer"], "stadt": ["Köln", "Düsseldorf", "Münster"]}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (TOWNS.encode(), "utf-8 (detected)"),
        (TOWNS.encode("utf-8-sig"), "utf-8-sig (byte order mark)"),
        (TOWNS.encode("utf-16"), "utf-16 (byte order mark)"),
        (TOWNS.encode("utf-32"), "utf-32 (byte order mark)"),
        (codecs.BOM_UTF16_BE + TOWNS.encode("utf-16-be"), "utf-16 (byte order mark)"),
        (TOWNS.encode("utf-16-le"), "utf-16-le (detected)"),
        (TOWNS.encode("utf-16-be"), "utf-16-be (detected)"),
        (TOWNS.encode("latin-1"), "latin-1 (detected)"),
    ],
)
def test_an_encoding_is_detected_and_said_and_the_rows_are_the_same(written: bytes, found: str) -> None:
    assert describe("t", written, Csv())["encoding"] == found
    assert parse_table("t", written).to_pydict() == ROWS


def test_windows_signs_are_cp1252() -> None:
    written = "a,b\n“fünf”,5 €\nsüß – groß,3 €\n".encode("cp1252")
    assert describe("t", written, Csv())["encoding"] == "cp1252 (detected)"
    assert parse_table("t", written).to_pydict()["b"] == ["5 €", "3 €"]


@pytest.mark.parametrize(
    "written",
    [
        "nazwa,miasto\nŁukasz,Łódź\nWałęsa,Gdańsk\nŻółć,Kraków\n".encode("cp1250"),
        "ЖЗИ,ЙЛД\nФдлш,Цжьб\nЪзыд,Юблз-Жлдщйб\n".encode("cp1251"),
        "name,stadt\nMüller,Köln\nGroß,Düsseldorf\n".encode("cp437"),
        b"a,b\n" + b"1,x\n" * 1000 + b"2,y\xe9\n",
    ],
)
def test_what_is_not_surely_western_is_refused_until_it_is_stated(written: bytes) -> None:
    with pytest.raises(DataInvalid, match=r"needed: UTF-8, or the right name in `csv: \{encoding: \.\.\.\}`"):
        parse_table("t", written)


def test_a_stated_encoding_counts() -> None:
    towns = "miasto,n\nŁódź,1\n"
    form = Csv(encoding="cp1250")
    assert parse_table("t", towns.encode("cp1250"), form=form).to_pydict() == {"miasto": ["Łódź"], "n": [1]}
    assert describe("t", towns.encode("cp1250"), form)["encoding"] == "cp1250 (stated)"
    marked = parse_table("t", codecs.BOM_UTF16_LE + towns.encode("utf-16-le"), form=Csv(encoding="utf-16-le"))
    assert marked.column_names == ["miasto", "n"]


@pytest.mark.parametrize(
    ("written", "stated", "words"),
    [
        (b"a,b\n1,2\nx,\xff\n", "utf-8", r"line 3 holds bytes that are not utf-8 \(stated\)"),
        ("a,b\nß,2\n".encode(), "ascii", r"line 2 holds bytes that are not ascii"),
        (b"a,b\n1,2\n\x81,3\n", "cp1252", r"line 3 holds bytes that are not cp1252"),
        (b"a,b\n1", "utf-32", r"is not utf-32|line 1 holds bytes that are not utf-32"),
    ],
)
def test_a_file_that_is_not_what_is_stated_is_refused_with_the_line(written: bytes, stated: str, words: str) -> None:
    with pytest.raises(DataInvalid, match=words):
        parse_table("t", written, form=Csv.model_validate({"encoding": stated}))


def test_what_breaks_behind_the_beginning_is_named_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_platform.sources.csv_table.HEAD_BYTES", 1000)
    monkeypatch.setattr(encoding, "CHUNK", 64)
    written = b"a,b\n" + b"1,x\n" * 1000 + b"2,\xfc\n" + b"3,y\n" * 9
    with pytest.raises(DataInvalid, match=r"t: line 1,002 holds bytes that are not utf-8 \(detected\)"):
        parse_table("t", written)


@settings(deadline=None, max_examples=25)
@given(st.text(st.characters(codec="utf-16", exclude_characters="\0\ufeff"), max_size=40), st.integers(1, 9))
def test_text_survives_every_unicode_encoding_in_pieces_of_any_size(text: str, size: int) -> None:
    whole = encoding.CHUNK
    encoding.CHUNK = size
    try:
        for name in ("utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-8"):
            assert as_utf8("t", text.encode(name), Encoding(name, "stated")).decode() == text
    finally:
        encoding.CHUNK = whole


def test_a_character_cut_by_the_end_of_the_beginning_breaks_nothing() -> None:
    assert encoding_of("t", "a,ü".encode()[:-1], None, whole=False).name == "utf-8"
