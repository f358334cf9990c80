"""Codes shifted: each code is the next one, as when one system counts from 0 and another from 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    rows = site.some(among=site.present)
    if site.trait.kind == "number":
        return site.put_numbers(site.numbers + 1, rows)
    levels = sorted(site.trait.levels, key=str)
    following = dict(zip(levels, [*levels[1:], levels[0]], strict=True))
    cells = site.values.astype(object).to_numpy()[rows]
    return site.put(rows, np.array([following.get(one, one) for one in cells], dtype=object))


CODES_SHIFTED = Fault(
    name="codes_shifted",
    meaning="each code is the next one",
    unit="share of the rows",
    sizes=(0.05, 0.3, 1.0),
    aims=columns_that(lambda trait: trait.is_coded),
    plant=_plant,
)
