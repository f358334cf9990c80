"""Mask a comment: what may be personal in free text gives way to the word for what it was, before anything is kept.

It rather takes too much than too little: any number of five digits or more, any code of letters and digits, every
word after a title or beside a usual given name. A name that is unusual and stands alone stays.
"""

from __future__ import annotations

import re

from ml_platform.stages.given_names import GIVEN_NAMES

LONGEST_COMMENT = 2000

_STREETS = "street|st|avenue|ave|road|rd|lane|ln|drive|court|square|boulevard|blvd|terrace|crescent"
_FIXED = (
    ("[link]", re.compile(r"\bhttps?://\S+|\bwww\.\S+", re.IGNORECASE)),
    ("[e-mail]", re.compile(r"[^\s@<>(),;:]{1,64}@[^\s@<>(),;:]{1,255}")),
    ("[address]", re.compile(rf"(?<![\w-])\d{{1,5}}[a-z]? (?:[\w.'-]{{1,40}} ){{1,3}}(?:{_STREETS})\b", re.IGNORECASE)),
    (
        "[address]",
        re.compile(r"\b\w{0,40}(?:straße|strasse|str\.|weg|allee|gasse|platz|straat|laan) ?\d{1,4}\b", re.IGNORECASE),
    ),
    ("[name]", re.compile(r"(?<!\w)@\w{2,}")),
    ("[number]", re.compile(r"(?<![\w\[])[+(]{0,2}\d(?:(?:[ ()./-]{0,2}|:)\d){4,}(?!\w)")),
    ("[code]", re.compile(r"\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d-]{6,}\b")),
)
_TITLED = re.compile(
    r"\b(?i:mr|mrs|ms|miss|dr|prof|herrn?|frau|madame|monsieur|señora?)\b\.?"
    r"(?: (?:[A-Z]\b\.?|[^\W\d_a-z][\w'’-]*)){1,3}"
)
_WORDS = re.compile(r"[^\W\d_][\w'’-]*(?: [^\W\d_][\w'’-]*)*")


def mask_comment(text: str) -> str:
    """Return a comment without what may name, number or locate a person.

    >>> mask_comment("Ask Anna Kowalska, anna@example.org or +49 30 1234567: 20 minutes late again")
    'Ask [name], [e-mail] or [number]: 20 minutes late again'
    """
    text = " ".join(text[:LONGEST_COMMENT].split())
    for word, form in _FIXED:
        text = form.sub(word, text)
    return _WORDS.sub(_without_names, _TITLED.sub("[name]", text))


def _without_names(run: re.Match[str]) -> str:
    """Mask each given name that begins with a capital, and the capitalised words behind it."""
    told: list[str] = []
    named = False
    for word in run.group().split(" "):
        capital = word[:1].isupper()
        named = capital and (named or re.sub(r"['’]s?$", "", word.lower()) in GIVEN_NAMES)
        if not named:
            told.append(word)
        elif told[-1:] != ["[name]"]:
            told.append("[name]")
    return " ".join(told)
