"""Formats: which texts have a named form, or match a pattern as a whole."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.policy.formats import Format
from ml_platform.policy.pattern import anchored
from ml_platform.stages.iso_codes import COUNTRIES, COUNTRIES_3, CURRENCIES, LANGUAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
# The e-mail expression is HTML's own (https://html.spec.whatwg.org/#valid-e-mail-address), a dot besides.
_PATTERNS = {
    Format.EMAIL: rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+",
    Format.URL: rf"(?i:https?|ftps?)://(?:[^\s/?#@]*@)?(?:{_HOST}|\[[0-9a-fA-F:.]+\])(?::[0-9]{{1,5}})?(?:[/?#]\S*)?",
    Format.HOSTNAME: _HOST,
    Format.IP_ADDRESS: r"[0-9a-fA-F:.]{2,45}",
    Format.MAC_ADDRESS: r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{2}-){5}[0-9a-fA-F]{2}",
    Format.UUID: r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    Format.PHONE: r"\+[1-9][0-9]{6,14}",
    Format.IBAN: r"[A-Z]{2}[0-9]{2}[A-Z0-9 ]{11,36}",
    Format.BIC: r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?",
    Format.LEI: r"[A-Z0-9]{18}[0-9]{2}",
    Format.ISIN: r"[A-Z]{2}[A-Z0-9]{9}[0-9]",
    Format.ISBN: r"[0-9][0-9 -]{8,15}[0-9X]",
    Format.EAN: r"[0-9]{8}|[0-9]{12,14}",
    Format.CARD_NUMBER: r"[0-9](?:[ -]?[0-9]){11,18}",
    Format.COUNTRY: "[A-Z]{2}",
    Format.COUNTRY_3: "[A-Z]{3}",
    Format.CURRENCY: "[A-Z]{3}",
    Format.LANGUAGE: "[a-z]{2}",
    Format.DATE: r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
}


def has_format(form: Format, texts: Sequence[str]) -> NDArray[np.bool_]:
    """Say for every text whether it has the form, shape (n,).

    >>> has_format(Format.CURRENCY, ["EUR", "eur", "XYZ"]).tolist()
    [True, False, False]
    """
    found = matches(_PATTERNS[form], texts)
    valid = _further(form) if found.any() else None
    if valid is not None:
        for place in np.flatnonzero(found).tolist():
            found[place] = valid(texts[place])
    return found


def matches(pattern: str, texts: Sequence[str]) -> NDArray[np.bool_]:
    r"""Say for every text whether the pattern (RE2) matches all of it, shape (n,).

    >>> matches("[0-9]+", ["12", "12a", "12\n"]).tolist()
    [True, False, False]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found: NDArray[np.bool_] = pc.match_substring_regex(pa.array(texts, pa.large_string()), anchored(pattern)).to_numpy(
        zero_copy_only=False
    )
    return np.array(found, dtype=np.bool_)


def _further(form: Format) -> Callable[[str], bool] | None:
    """Return what a text of the right look has to pass besides; None when there is nothing."""
    from stdnum import bic, ean, iban, isbn, isin, lei, luhn

    known: dict[Format, Callable[[str], bool]] = {
        Format.IP_ADDRESS: _is_ip_address,
        Format.DATE: _is_date,
        Format.COUNTRY: COUNTRIES.__contains__,
        Format.COUNTRY_3: COUNTRIES_3.__contains__,
        Format.CURRENCY: CURRENCIES.__contains__,
        Format.LANGUAGE: LANGUAGES.__contains__,
        Format.BIC: bic.is_valid,
        Format.EAN: ean.is_valid,
        Format.IBAN: iban.is_valid,
        Format.ISBN: isbn.is_valid,
        Format.ISIN: isin.is_valid,
        Format.LEI: lei.is_valid,
        Format.CARD_NUMBER: lambda text: luhn.is_valid(text.replace(" ", "").replace("-", "")),
    }
    return known.get(form)


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
