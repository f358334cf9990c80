from __future__ import annotations

from importlib import resources

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.policy.formats import MEANINGS, Format
from ml_platform.stages.formats import has_format, matches
from ml_platform.stages.iso_codes import COUNTRIES, COUNTRIES_3, CURRENCIES, LANGUAGES

CASES: dict[Format, tuple[list[str], list[str]]] = {
    Format.EMAIL: (["a@example.org", "a.b+c@x.y.example"], ["a@example", "a b@c.de", "@c.de", "a@c.de\n", "a@-c.de"]),
    Format.URL: (["https://a.example/b?c#d", "HTTP://a:80", "ftp://[::1]/"], ["a.example", "javascript:x", "http://"]),
    Format.HOSTNAME: (["a.example", "localhost", "x-1"], ["-a.example", "a..b", "a_b", "x" * 64]),
    Format.IP_ADDRESS: (["192.0.2.1", "2001:db8::1", "::"], ["192.0.2.256", "1.2.3", "g::", "1.2.3.4/8"]),
    Format.MAC_ADDRESS: (["00:1A:2b:3c:4d:5e", "00-1A-2b-3c-4d-5e"], ["00:1A:2b:3c:4d", "00:1A-2b:3c:4d:5e"]),
    Format.UUID: (["123e4567-e89b-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000", "x"]),
    Format.PHONE: (["+4930123456", "+12025550123"], ["030 123456", "+0123456", "+49 30 123456"]),
    Format.IBAN: (["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"], ["DE89370400440532013001", "DE89"]),
    Format.BIC: (["DEUTDEFF", "DEUTDEFF500"], ["DEUTDE", "deutdeff"]),
    Format.LEI: (["213800KUD8LAJWSQ9D15"], ["213800KUD8LAJWSQ9D16"]),
    Format.ISIN: (["US0378331005"], ["US0378331006"]),
    Format.ISBN: (["978-3-16-148410-0", "0306406152"], ["978-3-16-148410-1", "0306406153"]),
    Format.EAN: (["4006381333931", "96385074"], ["4006381333932", "400638"]),
    Format.CARD_NUMBER: (["4111111111111111", "4111 1111 1111 1111"], ["4111111111111112", "4111"]),
    Format.COUNTRY: (["DE", "GB"], ["UK", "de", "DEU", ""]),
    Format.COUNTRY_3: (["DEU", "GBR"], ["GER", "DE"]),
    Format.CURRENCY: (["EUR", "USD"], ["EURO", "DEM", "eur"]),
    Format.LANGUAGE: (["de", "en"], ["DE", "deu", "xx"]),
    Format.DATE: (["2024-02-29", "0001-01-01"], ["2023-02-29", "29.02.2024", "2024-2-9", "2024-02-29T00:00:00"]),
}


def test_every_format_has_a_meaning_and_is_tested() -> None:
    assert set(CASES) == set(MEANINGS) == set(Format)


@pytest.mark.parametrize("form", list(Format))
def test_a_format_tells_right_from_wrong(form: Format) -> None:
    good, bad = CASES[form]
    assert has_format(form, [*good, *bad, "", "\0", "é", good[0] + "\n"]).tolist() == [True] * len(good) + [False] * (
        len(bad) + 4
    )


def test_no_texts_have_no_answers() -> None:
    assert [has_format(form, []).tolist() for form in Format] == [[]] * len(Format)


def test_the_countries_are_those_of_the_time_zone_database() -> None:
    lines = (resources.files("tzdata.zoneinfo") / "iso3166.tab").read_text(encoding="utf-8").splitlines()
    assert {line.split("\t")[0] for line in lines if not line.startswith("#")} == COUNTRIES
    assert (len(COUNTRIES_3), len(CURRENCIES), len(LANGUAGES)) == (249, 165, 183)


@settings(max_examples=50, deadline=None)
@given(st.emails())
def test_an_address_that_the_validator_takes_has_the_format(text: str) -> None:
    try:
        taken = validate_email(text, check_deliverability=False, test_environment=True).ascii_email == text
    except EmailNotValidError:
        taken = False
    if taken:
        assert has_format(Format.EMAIL, [text]).all()


def test_a_pattern_has_to_match_the_whole_text() -> None:
    assert matches("a|b", ["a", "b", "ab", "xa", "a\n", "", "a\0"]).tolist() == [True, True, *[False] * 5]


def test_a_pattern_takes_no_more_time_than_its_text_is_long() -> None:
    assert not matches("(a+)+b", ["a" * 100_000]).any()
