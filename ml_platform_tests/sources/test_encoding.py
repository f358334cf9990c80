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


WESTERN = {
    "Danish": "København Århus Søren Kjær Østergade nummer by på og Ærø",
    "Dutch": "Coördinatie reünie België café straat nummer stad één de het",
    "Finnish": "Jyväskylä Hämeenlinna Mäkinen Väinö katu numero kaupunki on ja työ",
    "French": "Besançon Orléans Nîmes François Élodie rue numéro où été noël garçon à la ville de",
    "German": "Müller Köln Groß Düsseldorf Schäfer Straße Nummer Stadt für über Größe",
    "Icelandic": "Reykjavík Þór Guðrún Sæmundur götu númer bær ég á",
    "Italian": "città perché più già Niccolò Forlì Cefalù caffè università di il la via numero è",
    "Portuguese": "São João Conceição Guimarães Évora Açores coração não ação município endereço de da rua",
    "Spanish": "Muñoz Cádiz Peña Málaga García Núñez León Córdoba Jesús María Ávila año niño número teléfono",
    "Swedish": "Göteborg Malmö Åsa Björn Växjö Örebro gata nummer stad är och på Håkan Sjöberg",
}
OTHERS = {
    "Chinese": ("gb18030", "北京 上海 姓名 地址"),
    "Czech": ("cp1250", "Dvořák Plzeň Šťastný Brno Ústí město ulice číslo je v"),
    "Czech in ISO": ("iso-8859-2", "Dvořák Plzeň Šťastný Brno Ústí město ulice číslo je v"),
    "French on a Mac": ("mac-roman", WESTERN["French"]),
    "German in DOS": ("cp437", WESTERN["German"]),
    "Greek": ("cp1253", "Γιώργης Δήμος Λεωφόρος Ζωγράφου"),
    "Hungarian": ("cp1250", "Győr Székesfehérvár Kovács utca szám város és tőzsde erdő sütő föld könyv fűtő"),
    "Japanese": ("shift_jis", "東京 大阪 山田 名前"),
    "Polish": ("cp1250", "Łukasz Łódź Wałęsa Gdańsk Żółć Kraków ulica numer miasto jest się"),
    "Romanian": ("cp1250", "Ploieşti Bucureşti Iaşi stradă număr oraş în"),
    "Russian": ("cp1251", "ЖЗИ ЙЛД Фдлш Цжьб Ъзыд Юблз Жлдщйб"),
    "Turkish": ("cp1254", "İstanbul Şişli Çağlar sokak numara şehir ve bir güzel köy"),
}


def rows_of(words: str) -> str:
    """Make a table of some rows out of words."""
    known = words.split()
    rows = [[known[(3 * row + 5 * cell) % len(known)] for cell in range(3)] for row in range(40)]
    return "\n".join(["name,city,note", *(",".join(row) for row in rows)]) + "\n"


@pytest.mark.parametrize("language", WESTERN)
def test_western_european_languages_are_recognised(language: str) -> None:
    text = rows_of(WESTERN[language])
    assert encoding_of("t", text.encode("cp1252"), None, whole=True).name == "latin-1"


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_not_surely_western_is_refused_until_it_is_stated(language: str) -> None:
    name, words = OTHERS[language]
    written = rows_of(words).encode(name)
    with pytest.raises(DataInvalid, match=r"needed: UTF-8, or the right name in `csv: \{encoding: \.\.\.\}`"):
        parse_table("t", written)
    stated = parse_table("t", written, form=Csv.model_validate({"encoding": name}))
    assert stated.num_rows == 40


def test_one_odd_byte_speaks_for_no_encoding() -> None:
    with pytest.raises(DataInvalid, match="line 1,002 holds bytes that are not UTF-8 and not surely of another"):
        parse_table("t", b"a,b\n" + b"1,x\n" * 1000 + b"2,y\xe9\n")


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
        ("a,b\n1,2\n".encode("utf-16-le"), "utf-16", r"is not utf-16 \(stated\)"),
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
