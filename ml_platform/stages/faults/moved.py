"""Moved: all numbers are larger by the same amount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.put_numbers(site.numbers + site.size * site.trait.spread)


MOVED = Fault(
    name="moved",
    meaning="all numbers larger by the same amount",
    unit="standard deviations",
    sizes=(0.05, 0.2, 0.5),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_plant,
)
