"""Missing when high: the largest numbers are missing, as where people don't answer or a field overflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    count = max(1, round(site.size * len(site.frame)))
    order = np.argsort(np.where(site.present, -site.numbers, np.inf), kind="stable")
    rows = np.zeros(len(site.frame), dtype=bool)
    rows[order[:count]] = True
    return site.put(rows, None)


MISSING_WHEN_HIGH = Fault(
    name="missing_when_high",
    meaning="the largest numbers are missing",
    unit="share of the rows",
    sizes=(0.01, 0.05, 0.3),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_plant,
)
