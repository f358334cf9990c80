"""How texts are written: a known level in other letters, blanks or encoding, or one letter off a known one."""

from __future__ import annotations

import contextlib
import unicodedata
from typing import TYPE_CHECKING

import numpy as np
from fault_power import NEVER, Score

if TYPE_CHECKING:
    import pandas as pd


def spelling(texts: pd.Series, known: set[object], everywhere: set[object]) -> dict[str, Score]:
    """Score texts that are a known level in other letters, blanks or encoding, or one letter off a known one."""
    forms = {_form(str(level)) for level in everywhere}
    strange = {one for one in set(texts.dropna()) if one not in known}
    odd = {one for one in strange - everywhere if _form(str(one)) in forms}
    near = {one for one in strange if len(known) <= 300 and any(_one_off(str(one), str(level)) for level in known)}
    return {
        f"odd, {NEVER}": texts.isin(odd).to_numpy().astype(np.float64),
        "near": texts.isin(near).to_numpy().astype(np.float64),
    }


def _form(text: str) -> str:
    """Return a text without what case, blanks and a wrong encoding do to it."""
    with contextlib.suppress(UnicodeError):
        text = text.encode("cp1252").decode("utf-8")
    plain = unicodedata.normalize("NFKD", text.replace("–", "-").replace("’", "'"))
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split()).casefold()


def _one_off(one: str, other: str) -> bool:
    """Return whether one letter was changed, added, lost or swapped with its neighbour."""
    if abs(len(one) - len(other)) > 1:
        return False
    first = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[first:], other[first:]
    return a[1:] == b[1:] or a == b[1:] or a[1:] == b or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
