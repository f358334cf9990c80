"""Unit changed: numbers in another unit: for all rows, for a share of them, or for one slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that, slices_of
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


FACTORS = (0.4536, 1.609, 2.54, 0.01, 1000.0, 1.1)


def _all(site: Site) -> pd.DataFrame:
    return site.put_numbers(site.numbers * site.size)


def _share(site: Site) -> pd.DataFrame:
    return site.put_numbers(site.numbers * float(str(site.aim.levels[0])), site.some(among=site.present))


def _slice(site: Site) -> pd.DataFrame:
    return site.put_numbers(site.numbers * site.size, site.sliced)


def _celsius(site: Site) -> pd.DataFrame:
    return site.put_numbers((site.numbers - 32.0) / 1.8, site.some(among=site.present))


UNIT_CHANGED = Fault(
    name="unit_changed",
    meaning="all numbers in another unit",
    unit="factor",
    sizes=(1.094, 1.609, 1000.0),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_all,
)

UNIT_CHANGED_FOR_SOME = Fault(
    name="unit_changed_for_some",
    meaning="some numbers in another unit",
    unit="share of the rows",
    sizes=(0.02, 0.1, 0.5),
    aims=columns_that(lambda trait: trait.is_measure, choices=FACTORS),
    plant=_share,
)

UNIT_CHANGED_IN_A_SLICE = Fault(
    name="unit_changed_in_a_slice",
    meaning="one group's numbers in another unit",
    unit="factor",
    sizes=(1.094, 1.609, 1000.0),
    aims=slices_of(lambda trait: trait.is_measure),
    plant=_slice,
)

UNIT_WITH_OFFSET = Fault(
    name="unit_with_offset",
    meaning="some numbers in a unit with another zero (Fahrenheit read as Celsius)",
    unit="share of the rows",
    sizes=(0.02, 0.1, 1.0),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_celsius,
)
