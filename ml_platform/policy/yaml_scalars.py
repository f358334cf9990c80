"""What a plain YAML scalar means: YAML 1.2's core schema, and a refusal where YAML 1.1 would read something else."""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.?(nan|inf|infinity)", re.IGNORECASE)
_YES_OR_NO = re.compile(r"yes|no|on|off", re.IGNORECASE)
_ODD_NUMBER = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?|[0-9][0-9_]*\.?[0-9_]*)"
)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_LONG_INTEGER = re.compile(r"[-+]?[0-9]{19,}")


class Ambiguous(ValueError):
    """The scalar means different things to different readers, or no finite number."""


def read_scalar(text: str) -> Scalar:
    """Return what a plain scalar means; raises Ambiguous, saying what to write instead.

    Dates stay text (the schema reads them). NaN and infinities are refused.

    >>> read_scalar("0.5"), read_scalar("true"), read_scalar("late"), read_scalar("2013-05-01")
    (0.5, True, 'late', '2013-05-01')
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    _refuse_ambiguous(text)
    if _NUMBER.fullmatch(text):
        return _finite(text)
    return text


def _refuse_ambiguous(text: str) -> None:
    if _NOT_FINITE.fullmatch(text):
        message = f"is {text}; needed: a finite number (or the word in quotes, if text is meant)"
    elif _YES_OR_NO.fullmatch(text):
        message = f"is {text}, which some readers take for true or false; write true or false, or '{text}' in quotes"
    elif _LONG_INTEGER.fullmatch(text):
        message = f"is a number of {len(text)} digits; needed: at most 18 (or quotes, if text is meant)"
    elif _LEADING_ZERO.fullmatch(text) or (_ODD_NUMBER.fullmatch(text) and not _NUMBER.fullmatch(text)):
        message = f"is {text}, which readers take for different numbers; write it in plain decimals, or in quotes"
    else:
        return
    raise Ambiguous(message)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        message = f"is {text}; needed: a finite number"
        raise Ambiguous(message)
    return value
