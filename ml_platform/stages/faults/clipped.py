"""Clipped: numbers beyond a bound stand at the bound, as where an instrument or a field is at its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.cells import numbers_of
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.put_numbers(np.minimum(site.numbers, _bound(site)))


def _bound(site: Site) -> float:
    reference = numbers_of(site.scene.reference[site.column])
    return float(np.nanquantile(reference, 1 - site.size))


CLIPPED = Fault(
    name="clipped",
    meaning="large numbers stand at a bound",
    unit="share of the rows",
    sizes=(0.01, 0.05, 0.25),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_plant,
)
