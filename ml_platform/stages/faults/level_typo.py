"""Level typo: some texts are misspelt by one letter, as typed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _plant(site: Site) -> pd.DataFrame:
    rows = site.some(among=site.present)
    texts = site.values.astype(object).to_numpy()[rows]
    return site.put(rows, np.array([_misspelt(str(text), site.rng) for text in texts], dtype=object))


def _misspelt(text: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(len(text))) if text else 0
    letter = LETTERS[int(rng.integers(len(LETTERS)))]
    letter = letter.upper() if text[place : place + 1].isupper() else letter
    match int(rng.integers(4)):
        case 0:
            return text[:place] + text[place + 1 :] or letter
        case 1:
            return text[:place] + letter + text[place:]
        case 2 if len(text) > 1:
            return text[:place] + text[place : place + 2][::-1] + text[place + 2 :]
        case _:
            return text[:place] + letter + text[place + 1 :]


LEVEL_TYPO = Fault(
    name="level_typo",
    meaning="texts misspelt by one letter",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.3),
    aims=columns_that(lambda trait: trait.kind == "text"),
    plant=_plant,
)
