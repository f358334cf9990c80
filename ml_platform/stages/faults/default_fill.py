"""Default fill: a usual value stands in for cells that were lost: the median, the most frequent level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    usual = site.trait.middle if site.trait.is_measure else site.trait.levels[0]
    rows = site.some(among=site.present)
    if site.trait.kind == "number":
        return site.put_numbers(np.full(len(site.frame), float(str(usual))), rows)
    return site.put(rows, usual)


DEFAULT_FILL = Fault(
    name="default_fill",
    meaning="the usual value instead of the true one",
    unit="share of the rows",
    sizes=(0.02, 0.1, 0.4),
    aims=columns_that(lambda trait: trait.distinct > 1),
    plant=_plant,
)
