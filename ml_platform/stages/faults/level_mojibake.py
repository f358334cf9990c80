"""Level mojibake: accents and typographic signs that were written in one encoding and read in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


SIGNS = dict(zip("aeiouncyAEIOUNCY -'", "áéíóúñçýÁÉÍÓÚÑÇÝ\u00a0–’", strict=True))


def _plant(site: Site) -> pd.DataFrame:
    return site.rewrite(site.some(among=site.present), _misread)


def _misread(text: str) -> str:
    """Read UTF-8 as Windows-1252; a plain text first gets the accent that its author may have written."""
    if text.isascii():
        place = next((at for at, sign in enumerate(text) if sign in SIGNS), None)
        text = f"{text}é" if place is None else text[:place] + SIGNS[text[place]] + text[place + 1 :]
    return text.encode("utf-8").decode("cp1252", errors="replace")


LEVEL_MOJIBAKE = Fault(
    name="level_mojibake",
    meaning="texts read in the wrong encoding",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.3),
    aims=columns_that(lambda trait: trait.kind == "text"),
    plant=_plant,
)
