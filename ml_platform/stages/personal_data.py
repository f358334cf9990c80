"""Personal data: columns whose name or values look like a person's, to be compared with what the contract declares.

A hint and no proof: it finds what is written in a usual form under a usual name. A column is suspected when its name
says so, or when at least a fifth of its distinct values (in a sample) are well-formed e-mail addresses, telephone
numbers, IBANs with a right checksum, payment cards with a right Luhn digit, IP addresses or US social security ones.
Sources: ISO 13616 (IBAN, modulus 97), ISO/IEC 7812-1 annex B (Luhn).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ml_platform.policy.spec import PersonalData

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

LEAST_SHARE = 0.2
CARD_LEAST_SHARE = 0.5
SAMPLE = 500
_WORDS = frozenset(
    "email mail phone telephone mobile fax ssn passport iban surname firstname lastname forename birthdate birthday "
    "dob street postcode zipcode ip creditcard".split()
)
_NAMES = frozenset(
    "name full_name first_name last_name given_name family_name maiden_name date_of_birth birth_date social_security "
    "social_security_number credit_card card_number ip_address home_address postal_code zip_code".split()
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_PHONE = re.compile(r"(\+|00)\d[\d ()./-]{6,18}\d|\(?0?\d{2,5}\)?[ /-]\d{2,4}[ -]?\d{3,8}")
_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"\d{13,19}")


def looks_personal(spec: ModelSpec, frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns that look like personal data and aren't declared so, in the frame's order."""
    declared = {name for name, column in spec.contract.items() if column.personal_data is not PersonalData.NONE}
    suspects = (str(name) for name in frame.columns if name not in declared)
    return tuple(name for name in suspects if named_like_a_person(name) or valued_like_a_person(frame[name]))


def named_like_a_person(name: str) -> bool:
    """Say whether a column's name is one of the usual names of personal data.

    >>> [named_like_a_person(name) for name in ("home_phone", "firstName", "wind_speed", "carrier_name")]
    [True, True, False, False]
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").replace(" ", "_")
    return snake in _NAMES or bool(_WORDS & set(snake.split("_")))


def valued_like_a_person(values: pd.Series) -> bool:
    """Say whether enough of a column's distinct values have the form of personal data."""
    import pandas as pd

    if pd.api.types.is_float_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return False
    distinct = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values.dropna().unique()
    step = max(1, len(distinct) // SAMPLE)
    texts = [str(value).strip() for value in distinct[::step]]
    return bool(texts) and any(_share(texts, found) >= least for found, least in _PATTERNS)


def _share(texts: Sequence[str], found: Callable[[str], bool]) -> float:
    return sum(map(found, texts)) / len(texts)


def is_iban(text: str) -> bool:
    """Say whether a text is an IBAN with a right checksum (ISO 13616).

    >>> is_iban("GB82 WEST 1234 5698 7654 32"), is_iban("GB83 WEST 1234 5698 7654 32")
    (True, False)
    """
    compact = text.replace(" ", "").upper()
    if not _IBAN.fullmatch(compact):
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Say whether a text is a payment card's number with a right Luhn digit (ISO/IEC 7812-1).

    >>> is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112")
    (True, False)
    """
    compact = text.replace(" ", "").replace("-", "")
    if not _CARD.fullmatch(compact):
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(compact))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def is_ip(text: str) -> bool:
    """Say whether a text is an IPv4 or IPv6 address."""
    if text.count(".") != 3 and text.count(":") < 2:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


_PATTERNS: tuple[tuple[Callable[[str], bool], float], ...] = (
    (lambda text: _EMAIL.search(text[:200]) is not None, LEAST_SHARE),
    (lambda text: _PHONE.fullmatch(text) is not None, LEAST_SHARE),
    (lambda text: _SSN.fullmatch(text) is not None, LEAST_SHARE),
    (is_iban, LEAST_SHARE),
    (is_ip, LEAST_SHARE),
    (is_card, CARD_LEAST_SHARE),
)
