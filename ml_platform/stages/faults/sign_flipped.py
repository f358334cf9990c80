"""Sign flipped: some numbers have the other sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.put_numbers(-site.numbers, site.some(among=site.present & (site.numbers != 0)))


SIGN_FLIPPED = Fault(
    name="sign_flipped",
    meaning="numbers with the other sign",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.5),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_plant,
)
