"""Decimal slip: the decimal point slips by one or two places, either way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    places = site.rng.choice([-2, -1, 1, 2], size=len(site.frame))
    return site.put_numbers(site.numbers * 10.0**places, site.some(among=site.present & (site.numbers != 0)))


DECIMAL_SLIP = Fault(
    name="decimal_slip",
    meaning="the decimal point in the wrong place",
    unit="share of the rows",
    sizes=(0.002, 0.02, 0.2),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_plant,
)
