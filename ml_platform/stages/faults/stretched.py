"""Stretched: numbers lie further from their middle than they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.put_numbers(site.trait.middle + (site.numbers - site.trait.middle) * site.size)


STRETCHED = Fault(
    name="stretched",
    meaning="numbers further from their middle",
    unit="factor",
    sizes=(1.05, 1.25, 2.0),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_plant,
)
