"""Noised: numbers with noise added, as from a worse instrument or from masking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.put_numbers(site.numbers + site.rng.normal(0.0, site.size * site.trait.spread, len(site.frame)))


NOISED = Fault(
    name="noised",
    meaning="numbers with noise added",
    unit="standard deviations",
    sizes=(0.1, 0.3, 1.0),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_plant,
)
