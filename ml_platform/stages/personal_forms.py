"""Personal forms: what a single text has to look like to be an e-mail address, a telephone number, a card, ...

Each form names the share of unrelated texts that pass it by chance, and the least share of a column's distinct values
that makes the column one of them. A form looks at one text and never keeps it. The rules are those of well-kept
libraries (email-validator, phonenumbers, python-stdnum, ipaddress) after a cheap look at the shape. Sources: ISO/IEC
7812-1 (cards: Luhn and the issuers' prefixes), ISO 13616 (IBAN).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from ml_platform.policy.spec import PersonalData
from ml_platform.stages.national_ids import NATIONAL_IDS, is_written_id

Found = Callable[[str], bool]
LONGEST = 200

_EMAIL = re.compile(r"[\w.+'-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_INTERNATIONAL = re.compile(r"(?:\+|00)\d[\d ()./-]{6,20}\d(?: ?(?:x|ext\.?) ?\d{1,6})?")
_NORTH_AMERICAN = re.compile(
    r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{3}[ .-]\d{4}(?: ?(?:x|ext\.?) ?\d{1,6})?"
)
_TRUNK = re.compile(r"(?!\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b)\(?0[1-9]\d{0,4}\)?[ /.-]\d{2,4}(?:[ .-]?\d{2,8}){1,4}")
_TRUNK_REGIONS = ("DE", "GB", "FR", "NL", "CH", "AU", "SE", "BE", "AT", "IN", "JP")
_LABEL = re.compile(r"^(?:tel|phone|fax|mobile)[.:]? ?", re.IGNORECASE)
_GROUPED = re.compile(r"\d+(?:[ -]\d+)*")
_CARD = re.compile(
    r"4(?:\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14}"
)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_MAC = re.compile(r"(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}", re.IGNORECASE)
_POINT = re.compile(r"[(\[]?(-?\d{1,2}\.\d{4,})[,; ] ?(-?\d{1,3}\.\d{4,})[)\]]?")
_BRITISH_POSTCODE = re.compile(r"(?:[A-Z]{1,2}\d[A-Z\d]?|GIR) ?\d[ABD-HJLNP-UW-Z]{2}")
_STREET_FIRST = re.compile(
    r"\d{1,5}[a-z]?,? [\w.' -]{2,40}\b(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|court|ct|way|place|pl|square|"
    r"boulevard|blvd|terrace|close|crescent)\b.*"
    r"|\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|allée|chemin|place) .+",
    re.IGNORECASE,
)
_STREET_LAST = re.compile(
    r"[^\W\d][\w.' -]*(?:straße|strasse|str\.|weg|platz|allee|gasse|straat|laan|gatan|gata|vej) ?\d{1,4} ?[a-z]?\b.*"
    r"|(?:via|viale|piazza|corso|calle|avenida|rua|paseo) [\w.' -]{2,40},? \d{1,4}\b.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A kind of personal data that shows in the values themselves."""

    kind: str
    found: Found
    guess: PersonalData = PersonalData.DIRECT
    chance: float = 1e-3
    least_share: float = 0.2


def is_email(text: str) -> bool:
    """Say whether a text holds a valid e-mail address; its domain isn't asked for.

    >>> is_email("write to a.b+c@mail.example.co.uk please"), is_email("a@b")
    (True, False)
    """
    written = _EMAIL.search(text) if "@" in text else None
    if written is None:
        return False
    from email_validator import EmailNotValidError, validate_email

    try:
        validate_email(written.group(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        return "special-use" in str(error)  # `name@host.invalid` names a person as well
    return True


def is_phone(text: str) -> bool:
    """Say whether a text is a telephone number written as one: international, or national with its separators.

    >>> is_phone("+49 30 1234567"), is_phone("(212) 555-0147"), is_phone("2024-01-001"), is_phone("123-45678")
    (True, True, False, False)
    """
    text = _LABEL.sub("", text)
    if _NORTH_AMERICAN.fullmatch(text):
        return True
    if _INTERNATIONAL.fullmatch(text):
        return _is_possible("+" + text.removeprefix("00").lstrip("+"), None)
    return _TRUNK.fullmatch(text) is not None and any(_is_valid(text, region) for region in _TRUNK_REGIONS)


def is_bare_phone(text: str) -> bool:
    """Say whether digits alone may be a telephone number; only a column's name can make it one."""
    digits = re.sub(r"[ ()./+-]", "", text)
    return digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15


def _is_possible(text: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return False


def _is_valid(text: str, region: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return False


def is_iban(text: str) -> bool:
    """Say whether a text is an IBAN with a right checksum (ISO 13616).

    >>> is_iban("GB82 WEST 1234 5698 7654 32"), is_iban("GB83 WEST 1234 5698 7654 32")
    (True, False)
    """
    if not _IBAN.fullmatch(text.replace(" ", "").upper()):
        return False
    from stdnum import iban

    return bool(iban.is_valid(text))


def is_card(text: str) -> bool:
    """Say whether a text is a payment card's number: an issuer's prefix and length, and a right Luhn digit.

    >>> is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112"), is_card("9111111111111117")
    (True, False, False)
    """
    compact = re.sub("[ -]", "", text) if _GROUPED.fullmatch(text) else ""
    if not _CARD.fullmatch(compact):
        return False
    from stdnum import luhn

    return bool(luhn.is_valid(compact))


def is_ip(text: str) -> bool:
    """Say whether a text is an IPv4 or IPv6 address."""
    if text.count(".") != 3 and text.count(":") < 2:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_point(text: str) -> bool:
    """Say whether a text is a latitude and a longitude with at least four decimals each (about ten metres).

    >>> is_point("52.52000, 13.40495"), is_point("1.5, 2.5")
    (True, False)
    """
    pair = _POINT.fullmatch(text)
    return pair is not None and abs(float(pair[1])) <= 90 and abs(float(pair[2])) <= 180


def is_address(text: str) -> bool:
    """Say whether a text is a street with a number, in one of the usual ways of writing it.

    >>> is_address("12 Hill Street"), is_address("Lange Str. 7a, 10115 Berlin"), is_address("Hill Street")
    (True, True, False)
    """
    return _STREET_FIRST.fullmatch(text) is not None or _STREET_LAST.fullmatch(text) is not None


def is_imei(text: str) -> bool:
    """Say whether a text is the number of a telephone's hardware: 15 digits with a right Luhn digit."""
    if len(text) != 15 or not text.isdigit():
        return False
    from stdnum import luhn

    return bool(luhn.is_valid(text))


FORMS = (
    Form(kind="e-mail address", found=is_email, chance=1e-4, least_share=0.1),
    Form(kind="IBAN", found=is_iban, chance=1e-4, least_share=0.1),
    Form(kind="telephone number", found=is_phone),
    Form(kind="payment card", found=is_card, chance=0.03, least_share=0.5),
    Form(kind="national id", found=is_written_id),
    Form(kind="IP address", found=is_ip),
    Form(kind="network card", found=lambda text: _MAC.fullmatch(text) is not None),
    Form(kind="place on earth", found=is_point, guess=PersonalData.QUASI, least_share=0.5),
    Form(kind="postal address", found=is_address, least_share=0.3),
    Form(
        kind="postal code",
        found=lambda text: _BRITISH_POSTCODE.fullmatch(text.upper()) is not None,
        guess=PersonalData.QUASI,
        chance=0.01,
        least_share=0.8,
    ),
    Form(kind="telephone hardware", found=is_imei, chance=0.11, least_share=0.8),
    *(Form(kind="national id", found=one.found, chance=one.chance, least_share=0.5) for one in NATIONAL_IDS),
)
