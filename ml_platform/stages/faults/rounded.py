"""Rounded: numbers on a coarser grid than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    step = 10.0 ** np.floor(np.log10(site.trait.spread * site.size))
    return site.put_numbers(np.round(site.numbers / step) * step)


ROUNDED = Fault(
    name="rounded",
    meaning="numbers on a coarser grid",
    unit="power of ten below this share of the standard deviation",
    sizes=(0.1, 1.0, 10.0),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_plant,
)
