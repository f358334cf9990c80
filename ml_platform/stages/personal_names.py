"""Personal names: what a column's name says of persons, and what its values must look like before it is believed.

A name is read in snake case without what only says whose it is (`home_phone`, `customerName2`). A name alone accuses
nobody: a `street` that is paved or gravel, an `email` that is yes or no and a `name` of airlines are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ml_platform.policy.spec import PersonalData
from ml_platform.stages.column_names import COLUMN_NAMES, SPECIAL, TRAITS
from ml_platform.stages.given_names import GIVEN_NAMES
from ml_platform.stages.personal_forms import is_bare_phone
from ml_platform.stages.personal_sample import Sample

Believed = Callable[[Sample], float]

_WHOSE = frozenset(
    "customer client patient member user person personal employee driver passenger applicant borrower student insured "
    "holder contact home work private primary secondary billing shipping mailing residential emergency owner partner "
    "spouse parent child guest buyer seller subscriber cardholder account recipient sender".split()
)
_PERSON = re.compile(r"[^\W\d_][\w'’.-]*(?:,? [^\W\d_][\w'’.-]*){0,4}")
_FULL_NAME = re.compile(r"[^\W\d_][\w'’-]*\.?(?:,? [^\W\d_][\w'’-]*\.?){1,5}(?: \(.*\))?")
_ADDRESS = re.compile(r"(?=.*\d)(?=.*[^\W\d_]{2}).*\S[ ,].*")
_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 ./-]{3,23}")
_POSTAL = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 -]{2,9}")
_DATE = re.compile(r"(?:.*\D)?(?:19\d\d|20[0-3]\d)(?:\D.*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2}|(?:19|20)\d{6}")
_GIVEN_LEAST = 0.2
_MOST_LEVELS = 60
_BORN = frozenset({"dob", "geb", "born", "geboren"})
_BIRTH = ("birth", "geburt")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_LIFETIME = 20
_OLDEST = 130
_VERSION = frozenset("version firmware build release os".split())
_COMPANY = frozenset("company firm siren siret duns vat supplier vendor routing barcode ean upc sku isbn".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A kind of personal data that a column's name claims; `believed` is the share of its values that fit."""

    kind: str
    guess: PersonalData
    believed: Believed
    least_share: float = 0.8


def claimed(column: str) -> Claim | None:
    """Return what a column's name claims, if it is one of the usual names of personal data.

    >>> [claimed(name).kind for name in ("home_phone", "firstName", "AGE")]
    ['telephone number', 'name of a person', 'age']
    >>> [claimed(name) for name in ("wind_speed", "carrier_name", "account_age_days")]
    [None, None, None]
    """
    words = _words(column)
    while words and words[-1].isdigit():
        words = words[:-1]
    for start, word in enumerate(words):
        found = CLAIMS.get("_".join(words[start:]))
        if found is not None or word not in _WHOSE:
            return found or _of_birth(words)
    return None


def _of_birth(words: list[str]) -> Claim | None:
    """Return what a name of birth claims that isn't a usual one: it is believed of dates a lifetime apart only."""
    return BORN if any(word in _BORN or word.startswith(_BIRTH) for word in words) else None


def names_persons(sample: Sample) -> bool:
    """Say whether texts are full names of persons, each with a usual given name, however few they are."""
    return bool(sample.texts) and sample.numbers is None and all(map(_is_full_name, sample.texts))


def rules_out(column: str, kind: str) -> bool:
    """Say whether a name makes a form an accident: a version in four parts is no IP address, a firm's number no id."""
    words = set(_words(column))
    return bool(words & _VERSION) if kind == "IP address" else kind == "national id" and bool(words & _COMPANY)


def _words(column: str) -> list[str]:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=\d+$)", "_", column).lower()
    return [word for word in re.split(r"[^\w]+|_", snake) if word]


def _share(sample: Sample, fits: Callable[[str], object]) -> float:
    return sum(map(bool, map(fits, sample.texts))) / len(sample.texts) if sample.varied and sample.texts else 0.0


def _matching(pattern: re.Pattern[str]) -> Believed:
    return lambda sample: 0.0 if sample.numbers is not None else _share(sample, pattern.fullmatch)


def _phone(sample: Sample) -> float:
    return _share(sample, is_bare_phone)


def _code(sample: Sample) -> float:
    return _share(sample, _CODE.fullmatch)


def _text(sample: Sample) -> float:
    return float(sample.numbers is None and sample.times is None and sample.distinct >= sample.rows / 2)


def _varied(sample: Sample) -> float:
    return float(sample.varied)


def _full_name(sample: Sample) -> float:
    fitting = _matching(_FULL_NAME)(sample)
    given = _share(sample, _has_given_name)
    return fitting if given >= _GIVEN_LEAST else 0.0


def _is_full_name(text: str) -> bool:
    return _FULL_NAME.fullmatch(text) is not None and _has_given_name(text)


def _has_given_name(text: str) -> bool:
    return bool(GIVEN_NAMES & set(re.findall(r"[^\W\d_]+", text.lower())))


def _born(sample: Sample) -> float:
    if sample.times is not None:
        years = sample.times.astype("datetime64[Y]").astype(np.int64) + 1970
        return _between(years.astype(np.float64), 1890, 2035) * sample.varied
    if sample.numbers is not None and not sample.texts:
        return _between(sample.numbers, 1890, 2035) * sample.varied
    return _share(sample, _DATE.fullmatch)


def _born_apart(sample: Sample) -> float:
    """Believe dates of birth only where the years are as far apart as those of persons of all ages."""
    years: list[float] = []
    if sample.times is not None:
        years = (sample.times.astype("datetime64[Y]").astype(np.int64) + 1970).tolist()
    elif sample.numbers is not None:
        years = sample.numbers.tolist()
    else:
        years = [float(year) for text in sample.texts for year in _YEAR.findall(text)]
    return _born(sample) if years and max(years) - min(years) >= _LIFETIME else 0.0


def _postal(sample: Sample) -> float:
    if sample.numbers is not None:
        whole = bool((sample.numbers == np.rint(sample.numbers)).all())
        return _between(sample.numbers, 100, 9_999_999) * (whole and sample.varied)
    return _share(sample, _POSTAL.fullmatch)


def _degrees(most: float) -> Believed:
    def believed(sample: Sample) -> float:
        if sample.numbers is None or (sample.numbers == np.rint(sample.numbers)).all():
            return 0.0
        return _between(sample.numbers, -most, most) * sample.varied

    return believed


def _age(sample: Sample) -> float:
    return _between(sample.numbers, 0, _OLDEST) if sample.numbers is not None else float(sample.times is None)


def _levels(sample: Sample) -> float:
    return float(sample.times is None and 2 <= sample.distinct <= _MOST_LEVELS)


def _between(numbers: np.ndarray, low: float, high: float) -> float:
    return float(((numbers >= low) & (numbers <= high)).mean())


def _claims() -> Mapping[str, Claim]:
    direct, quasi, sensitive = PersonalData.DIRECT, PersonalData.QUASI, PersonalData.SENSITIVE
    claims = {
        "part of a name": Claim(kind="name of a person", guess=direct, believed=_matching(_PERSON)),
        "name": Claim(kind="name of a person", guess=direct, believed=_full_name),
        "e-mail address": Claim(kind="e-mail address", guess=direct, believed=_text),
        "telephone number": Claim(kind="telephone number", guess=direct, believed=_phone),
        "postal address": Claim(kind="postal address", guess=direct, believed=_matching(_ADDRESS), least_share=0.5),
        "bank account": Claim(kind="bank account", guess=direct, believed=_code),
        "payment card": Claim(kind="payment card", guess=direct, believed=_code),
        "national id": Claim(kind="national id", guess=direct, believed=_code),
        "IP address": Claim(kind="IP address", guess=direct, believed=_text),
        "user name": Claim(kind="user name", guess=direct, believed=_text),
        "number plate": Claim(kind="number plate", guess=direct, believed=_code),
        "date of birth": Claim(kind="date of birth", guess=quasi, believed=_born),
        "postal code": Claim(kind="postal code", guess=quasi, believed=_postal),
        "latitude": Claim(kind="place on earth", guess=quasi, believed=_degrees(90)),
        "longitude": Claim(kind="place on earth", guess=quasi, believed=_degrees(180)),
        "number of a person": Claim(kind="number of a person", guess=quasi, believed=_varied),
        "age": Claim(kind="age", guess=quasi, believed=_age),
        "income": Claim(kind="income", guess=quasi, believed=_varied),
        **{kind: Claim(kind=kind, guess=quasi, believed=_levels) for kind in TRAITS},
        **{kind: Claim(kind=kind, guess=sensitive, believed=_levels) for kind in SPECIAL},
    }
    return MappingProxyType({name: claims[key] for key, names in COLUMN_NAMES.items() for name in names})


CLAIMS = _claims()
BORN = Claim(kind="date of birth", guess=PersonalData.QUASI, believed=_born_apart)
