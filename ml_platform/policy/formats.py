"""The closed catalogue of formats that a column of text may have, and what each stands for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Format(StrEnum):
    """A named format; `MEANINGS` says what each is."""

    EMAIL = "email"
    URL = "url"
    HOSTNAME = "hostname"
    IP_ADDRESS = "ip_address"
    MAC_ADDRESS = "mac_address"
    UUID = "uuid"
    PHONE = "phone"
    IBAN = "iban"
    BIC = "bic"
    LEI = "lei"
    ISIN = "isin"
    ISBN = "isbn"
    EAN = "ean"
    CARD_NUMBER = "card_number"
    COUNTRY = "country"
    COUNTRY_3 = "country_3"
    CURRENCY = "currency"
    LANGUAGE = "language"
    DATE = "date"


MEANINGS: Mapping[Format, str] = MappingProxyType(
    {
        Format.EMAIL: "an e-mail address, as HTML's `input type=email` takes it, with a dot in its domain",
        Format.URL: "an absolute http, https, ftp or ftps address",
        Format.HOSTNAME: "a host name (RFC 1123)",
        Format.IP_ADDRESS: "an IPv4 or IPv6 address",
        Format.MAC_ADDRESS: "six pairs of hexadecimal digits, between colons or hyphens",
        Format.UUID: "a UUID in its usual form (RFC 9562)",
        Format.PHONE: "an international telephone number, `+` and 7 to 15 digits (ITU-T E.164)",
        Format.IBAN: "a bank account with its right length and check digits (ISO 13616)",
        Format.BIC: "a bank's code (ISO 9362)",
        Format.LEI: "a legal entity's identifier with its right check digits (ISO 17442)",
        Format.ISIN: "a security's number with its right check digit (ISO 6166)",
        Format.ISBN: "a book's number, 10 or 13 digits with its right check digit (ISO 2108)",
        Format.EAN: "an article's number (EAN-8, EAN-13, UPC) with its right check digit",
        Format.CARD_NUMBER: "a payment card's number with its right check digit (ISO/IEC 7812)",
        Format.COUNTRY: "a country's two letters (ISO 3166-1 alpha-2)",
        Format.COUNTRY_3: "a country's three letters (ISO 3166-1 alpha-3)",
        Format.CURRENCY: "a currency's three letters (ISO 4217)",
        Format.LANGUAGE: "a language's two letters (ISO 639-1)",
        Format.DATE: "a day of the calendar as 2024-02-29 (ISO 8601)",
    }
)
