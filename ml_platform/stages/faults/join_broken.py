"""Join broken: columns are attached to the wrong rows, or to none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.faults.aims import columns_that, half_of_the_columns
from ml_platform.stages.faults.cells import put
from ml_platform.stages.faults.fault import Fault, Rows, Site

if TYPE_CHECKING:
    import pandas as pd


def _shuffled(site: Site) -> pd.DataFrame:
    return _moved(site, _shuffle(site, site.some()))


def _shifted(site: Site) -> pd.DataFrame:
    places = np.arange(len(site.frame))
    count = max(2, round(site.size * len(places)))
    places[:count] = np.roll(places[:count], 1)
    return _moved(site, places)


def _lost(site: Site) -> pd.DataFrame:
    rows = site.some()
    return site.with_columns(**{name: put(site.frame[name], rows, None) for name in site.aim.columns})


def _shuffle(site: Site, rows: Rows) -> NDArray[np.intp]:
    places = np.arange(len(site.frame))
    places[rows] = site.rng.permutation(places[rows])
    return places


def _moved(site: Site, places: NDArray[np.intp]) -> pd.DataFrame:
    index = site.frame.index
    return site.with_columns(**{name: site.frame[name].iloc[places].set_axis(index) for name in site.aim.columns})


JOIN_SHUFFLED = Fault(
    name="join_shuffled",
    meaning="one column belongs to other rows",
    unit="share of the rows",
    sizes=(0.05, 0.3, 1.0),
    aims=columns_that(lambda trait: trait.distinct > 1),
    plant=_shuffled,
)

JOIN_SHIFTED = Fault(
    name="join_shifted",
    meaning="one column is one row off",
    unit="share of the rows",
    sizes=(0.1, 0.5, 1.0),
    aims=columns_that(lambda trait: trait.distinct > 1),
    plant=_shifted,
)

JOIN_MISMATCHED = Fault(
    name="join_mismatched",
    meaning="half of the columns belong to other rows",
    unit="share of the rows",
    sizes=(0.05, 0.3, 1.0),
    aims=half_of_the_columns,
    plant=_shuffled,
)

JOIN_LOST = Fault(
    name="join_lost",
    meaning="half of the columns are missing at once",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.3),
    aims=half_of_the_columns,
    plant=_lost,
)
