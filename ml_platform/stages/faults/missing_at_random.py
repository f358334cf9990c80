"""Missing at random: cells are missing here and there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.put(site.some(among=site.present), None)


MISSING_AT_RANDOM = Fault(
    name="missing_at_random",
    meaning="cells missing here and there",
    unit="share of the rows",
    sizes=(0.01, 0.1, 0.4),
    aims=columns_that(lambda _: True),
    plant=_plant,
)
