"""Guess format: the named format that every different text of a column has, if enough of them say so."""

from __future__ import annotations

from collections.abc import Sequence

from ml_platform.policy.formats import Format
from ml_platform.stages.formats import has_format

FEWEST_TEXTS = 10
SAMPLE = 100
# From the strictest to the loosest. A host name, a language and a bank's code look like too many other things.
CANDIDATES = (
    Format.UUID,
    Format.MAC_ADDRESS,
    Format.EMAIL,
    Format.URL,
    Format.IBAN,
    Format.LEI,
    Format.ISIN,
    Format.ISBN,
    Format.CARD_NUMBER,
    Format.EAN,
    Format.IP_ADDRESS,
    Format.PHONE,
    Format.DATE,
    Format.COUNTRY,
    Format.COUNTRY_3,
    Format.CURRENCY,
)


def guess_format(texts: Sequence[str]) -> Format | None:
    """Return the strictest format that all texts have; None when there is none or fewer than ten texts.

    >>> guess_format([f"p{i}@example.org" for i in range(10)])
    <Format.EMAIL: 'email'>
    """
    if len(texts) < FEWEST_TEXTS:
        return None
    sample = texts[:: max(1, len(texts) // SAMPLE)]
    fitting = (form for form in CANDIDATES if has_format(form, sample).all() and has_format(form, texts).all())
    return next(fitting, None)
