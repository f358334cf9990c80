"""National ids: numbers that states give to persons, known by their length and their check digits.

Only ids whose check digits or fixed form make an accident rare are listed, each with the share of random texts of its
shape that pass; a column is one only when far more of it passes (`personal_data`). The rules are python-stdnum's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

_SEPARATORS = re.compile(r"[ ./·+-]")
_SSN = re.compile(r"(?!000|666|9)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4}")
_NINO = re.compile(r"[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]")


class _Rule(Protocol):
    def is_valid(self, number: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class NationalId:
    """One country's id: its lengths without separators, whether letters occur, and how often chance passes."""

    rule: str
    lengths: tuple[int, ...]
    chance: float
    letters: bool = False

    def found(self, text: str) -> bool:
        """Say whether a text is such an id; only its length and alphabet are looked at first."""
        compact = _SEPARATORS.sub("", text)
        if len(compact) not in self.lengths or not compact.isascii() or compact.isdigit() is self.letters:
            return False
        try:
            return cast("_Rule", import_module(f"stdnum.{self.rule}")).is_valid(text)
        except (LookupError, ValueError):  # tables of birth places have gaps
            return False


NATIONAL_IDS = (
    NationalId("at.vnr", (10,), 0.1),
    NationalId("au.tfn", (9,), 0.1),
    NationalId("be.nn", (11,), 0.01),
    NationalId("bg.egn", (10,), 0.02),
    NationalId("br.cpf", (11,), 0.02),
    NationalId("ca.sin", (9,), 0.1),
    NationalId("ch.ssn", (13,), 0.01),
    NationalId("cl.rut", (8, 9), 0.11),
    NationalId("cn.ric", (18,), 0.01),
    NationalId("cz.rc", (10,), 0.05),
    NationalId("de.idnr", (11,), 0.02),
    NationalId("ee.ik", (11,), 0.02),
    NationalId("es.dni", (9,), 0.05, letters=True),
    NationalId("es.nie", (9,), 0.05, letters=True),
    NationalId("fi.hetu", (10, 11), 0.05, letters=True),
    NationalId("fr.nir", (15,), 0.02),
    NationalId("gb.nhs", (10,), 0.1),
    NationalId("gr.amka", (11,), 0.01),
    NationalId("hr.oib", (11,), 0.1),
    NationalId("ie.pps", (8, 9), 0.05, letters=True),
    NationalId("il.idnr", (9,), 0.11),
    NationalId("in_.aadhaar", (12,), 0.1),
    NationalId("in_.pan", (10,), 0.45, letters=True),
    NationalId("is_.kennitala", (10,), 0.01),
    NationalId("it.codicefiscale", (16,), 0.01, letters=True),
    NationalId("jp.in_", (12,), 0.12),
    NationalId("kr.rrn", (13,), 0.02),
    NationalId("mx.curp", (18,), 0.01, letters=True),
    NationalId("nl.bsn", (9,), 0.11),
    NationalId("no.fodselsnummer", (11,), 0.01),
    NationalId("pl.pesel", (11,), 0.05),
    NationalId("pt.cc", (12,), 0.1, letters=True),
    NationalId("ro.cnp", (13,), 0.02),
    NationalId("ru.inn", (12,), 0.02),
    NationalId("se.personnummer", (10, 12), 0.02),
    NationalId("si.emso", (13,), 0.02),
    NationalId("th.pin", (13,), 0.1),
    NationalId("tr.tckimlik", (11,), 0.02),
    NationalId("za.idnr", (13,), 0.01),
)


def is_written_id(text: str) -> bool:
    """Say whether a text has a form that only a person's id is written in: a US SSN or a British NINO.

    >>> is_written_id("078-05-1120"), is_written_id("AB 12 34 56 C"), is_written_id("000-05-1120")
    (True, True, False)
    """
    return _SSN.fullmatch(text) is not None or _NINO.fullmatch(text) is not None
