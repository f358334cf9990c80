"""Missing in a block: a column is missing in a run of rows, as while a sensor or a service was down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.put(site.block(), None)


MISSING_IN_A_BLOCK = Fault(
    name="missing_in_a_block",
    meaning="a run of rows without a column",
    unit="share of the rows",
    sizes=(0.01, 0.1, 0.4),
    aims=columns_that(lambda _: True),
    plant=_plant,
)
