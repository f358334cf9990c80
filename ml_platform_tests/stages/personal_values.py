"""Made personal values of each kind, drawn from a fixed seed; check digits come from the libraries that check them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.nl import bsn
from stdnum.pl import pesel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

COUNT = 60


def digits(rng: Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def card(rng: Generator) -> str:
    body = "4" + digits(rng, 14)
    return body + str(luhn.calc_check_digit(body))


def account(rng: Generator) -> str:
    body = digits(rng, 18)
    check = 98 - int(f"{body}131400") % 97
    return iban.format(f"DE{check:02}{body}")


def drawn(rng: Generator, length: int, valid: Callable[[str], bool]) -> str:
    while True:
        text = digits(rng, length)
        if valid(text):
            return text


def tax_id(rng: Generator) -> str:
    return drawn(rng, 11, idnr.is_valid)


FIRST = "Anna Peter Maria John Sofia Ahmed Wei Lukas Emma Pablo Xochitl Thandiwe Bram Siobhan".split()
LAST = "Meyer O'Neill Dupont Smith-Jones Rossi Nguyen Kowalski van_Dyk Öztürk Garcia".split()


def person(rng: Generator) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}".replace("_", " ")


VALUES: dict[str, tuple[str, Callable[[Generator], object]]] = {
    "contact": ("e-mail address", lambda rng: f"{rng.choice(FIRST).lower()}.{digits(rng, 3)}@mail.example.org"),
    "note": ("e-mail address", lambda rng: f"Please write to u{digits(rng, 3)}@example.com."),
    "a": ("telephone number", lambda rng: f"+49 30 {digits(rng, 7)}"),
    "b": ("telephone number", lambda rng: f"(212) 555-{digits(rng, 4)}"),
    "c": ("telephone number", lambda rng: f"020 7946 0{digits(rng, 3)}"),
    "d": ("telephone number", lambda rng: f"001-415-555-{digits(rng, 4)}x{digits(rng, 2)}"),
    "mobile": ("telephone number", lambda rng: int("6" + digits(rng, 8))),
    "e": ("payment card", card),
    "f": ("payment card", lambda rng: int(card(rng))),
    "g": ("IBAN", account),
    "h": ("national id", lambda rng: f"{rng.integers(100, 600)}-{rng.integers(10, 99)}-{rng.integers(1000, 9999)}"),
    "i": ("national id", tax_id),
    "j": ("national id", lambda rng: int(drawn(rng, 11, cpf.is_valid))),
    "k": ("national id", lambda rng: float(drawn(rng, 9, bsn.is_valid))),
    "l": ("national id", lambda rng: drawn(rng, 11, pesel.is_valid)),
    "ssn": ("national id", lambda rng: f"*****{digits(rng, 4)}".replace("*", "1")),
    "m": ("IP address", lambda rng: ".".join(str(part) for part in rng.integers(1, 255, 4))),
    "n": ("IP address", lambda rng: f"2001:db8::{rng.integers(1, 9999):x}"),
    "o": ("network card", lambda rng: ":".join(f"{part:02x}" for part in rng.integers(0, 255, 6))),
    "p": ("postal address", lambda rng: f"{rng.integers(1, 99)} {rng.choice(LAST)} Street"),
    "q": ("postal address", lambda rng: f"Lange Straße {rng.integers(1, 99)}, 10115 Berlin"),
    "home_address": ("postal address", lambda rng: f"{rng.choice(LAST)} {rng.integers(1, 99)}, Oslo"),
    "name": ("name of a person", person),
    "customerName": ("name of a person", lambda rng: ", ".join(reversed(person(rng).split(" ", 1)))),
    "last_name": ("name of a person", lambda rng: rng.choice(LAST)),
    "dob": ("date of birth", lambda rng: f"19{rng.integers(40, 99)}-0{rng.integers(1, 9)}-1{rng.integers(0, 9)}"),
    "birthdate": ("date of birth", lambda rng: np.datetime64("1960-01-01") + rng.integers(0, 20_000)),
    "year_of_birth": ("date of birth", lambda rng: int(rng.integers(1930, 2005))),
    "zip_code": ("postal code", lambda rng: int(rng.integers(1001, 99_950))),
    "r": ("postal code", lambda rng: f"SW{rng.integers(1, 9)}A {rng.integers(1, 9)}AA"),
    "s": ("place on earth", lambda rng: f"{rng.uniform(47, 55):.5f}, {rng.uniform(6, 15):.5f}"),
    "latitude": ("place on earth", lambda rng: rng.uniform(47, 55)),
    "device": ("telephone hardware", lambda rng: (body := "35" + digits(rng, 12)) + str(luhn.calc_check_digit(body))),
    "race": ("ethnic origin", lambda rng: rng.choice(["a", "b", "c"])),
    "patient_id": ("number of a person", lambda rng: int(digits(rng, 6))),
    "AGE": ("age", lambda rng: int(rng.integers(18, 99))),
}


@functools.cache
def made(column: str, *, count: int = COUNT, seed: int = 1) -> list[object]:
    """Return values of a column's kind, the same each time."""
    rng = np.random.default_rng(seed)
    return [VALUES[column][1](rng) for _ in range(count)]
