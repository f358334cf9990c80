"""Sentinel zero: 0 stands where nothing was known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.put(site.some(among=site.present), 0.0)


SENTINEL_ZERO = Fault(
    name="sentinel_zero",
    meaning="0 instead of a number",
    unit="share of the rows",
    sizes=(0.01, 0.1, 0.4),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_plant,
)
