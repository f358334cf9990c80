"""Missing in a slice: a column is missing where another column has a certain value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import slices_of
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.put(site.some(among=site.sliced & site.present), None)


MISSING_IN_A_SLICE = Fault(
    name="missing_in_a_slice",
    meaning="a column missing for one group of rows",
    unit="share of the slice",
    sizes=(0.1, 0.4, 1.0),
    aims=slices_of(lambda _: True),
    plant=_plant,
)
