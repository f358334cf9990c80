"""Time wrong: times that are late, in another zone, coarser, or not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Rows, Site

if TYPE_CHECKING:
    import pandas as pd


def _lagged(site: Site) -> pd.DataFrame:
    return _moved(site, site.present, np.timedelta64(round(-24 * site.size), "h"))


def _zone(site: Site) -> pd.DataFrame:
    return _moved(site, site.present, np.timedelta64(round(site.size * 60), "m"))


def _zone_for_some(site: Site) -> pd.DataFrame:
    return _moved(site, site.some(among=site.present), np.timedelta64(5, "h"))


def _to_the_day(site: Site) -> pd.DataFrame:
    rows = site.some(among=site.present)
    return site.with_columns(**{site.column: site.values.where(~rows, site.values.dt.normalize())})


def _default(site: Site) -> pd.DataFrame:
    import pandas as pd

    epoch = pd.Timestamp("1970-01-01", tz=site.values.dt.tz)
    return site.with_columns(**{site.column: site.values.where(~site.some(among=site.present), epoch)})


def _moved(site: Site, rows: Rows, by: np.timedelta64) -> pd.DataFrame:
    return site.with_columns(**{site.column: site.values.where(~rows, site.values + by)})


TIME_LAGGED = Fault(
    name="time_lagged",
    meaning="all times are too early",
    unit="days",
    sizes=(1, 7, 60),
    aims=columns_that(lambda trait: trait.kind == "time"),
    plant=_lagged,
)

TIME_ZONE = Fault(
    name="time_zone",
    meaning="all times in another zone",
    unit="hours",
    sizes=(1, 3, 8),
    aims=columns_that(lambda trait: trait.kind == "time"),
    plant=_zone,
)

TIME_ZONE_FOR_SOME = Fault(
    name="time_zone_for_some",
    meaning="some times in another zone, five hours off",
    unit="share of the rows",
    sizes=(0.05, 0.3, 0.7),
    aims=columns_that(lambda trait: trait.kind == "time"),
    plant=_zone_for_some,
)

TIME_TO_THE_DAY = Fault(
    name="time_to_the_day",
    meaning="some times have lost their hours",
    unit="share of the rows",
    sizes=(0.02, 0.2, 1.0),
    aims=columns_that(lambda trait: trait.kind == "time"),
    plant=_to_the_day,
)

TIME_DEFAULT = Fault(
    name="time_default",
    meaning="some times are 1970-01-01",
    unit="share of the rows",
    sizes=(0.002, 0.02, 0.2),
    aims=columns_that(lambda trait: trait.kind == "time"),
    plant=_default,
)
