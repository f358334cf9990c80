"""Outliers: a few numbers are ten or a hundred times too large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Rows, Site

if TYPE_CHECKING:
    import pandas as pd


def _ten(site: Site) -> pd.DataFrame:
    return site.put_numbers(site.numbers * 10, site.some(among=_not_zero(site)))


def _hundred(site: Site) -> pd.DataFrame:
    return site.put_numbers(site.numbers * 100, site.some(among=_not_zero(site)))


def _not_zero(site: Site) -> Rows:
    rows: Rows = site.present & (site.numbers != 0)
    return rows


OUTLIERS_TEN = Fault(
    name="outliers_ten",
    meaning="numbers ten times too large",
    unit="share of the rows",
    sizes=(0.001, 0.01, 0.1),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_ten,
)

OUTLIERS_HUNDRED = Fault(
    name="outliers_hundred",
    meaning="numbers a hundred times too large",
    unit="share of the rows",
    sizes=(0.001, 0.01, 0.1),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_hundred,
)
