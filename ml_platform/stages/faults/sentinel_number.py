"""Sentinel number: -999 and its kind stand where nothing was known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


VALUES = (-999.0, -1.0, 9999.0, -99.0, 99999.0)


def _plant(site: Site) -> pd.DataFrame:
    return site.put(site.some(among=site.present), site.aim.levels[0])


SENTINEL_NUMBER = Fault(
    name="sentinel_number",
    meaning="-999 and its kind instead of a number",
    unit="share of the rows",
    sizes=(0.002, 0.02, 0.2),
    aims=columns_that(lambda trait: trait.kind == "number", choices=VALUES),
    plant=_plant,
)
