"""Dates mixed: day and month change places, or dates come as texts of several formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


FORMATS = ("%d/%m/%Y", "%m/%d/%Y %H:%M", "%d.%m.%y", "%Y%m%d")


def _day_and_month(site: Site) -> pd.DataFrame:
    may = (site.values.dt.day <= 12).fillna(value=False).to_numpy(dtype=bool)
    rows = site.some(among=may & site.present)
    cells = site.values.astype(object).to_numpy()[rows]
    return site.put(
        rows,
        np.array([one.replace(day=one.month, month=one.day) for one in cells] or [None], dtype=object)[: rows.sum()],
    )


def _formats(site: Site) -> pd.DataFrame:
    rows = site.some(among=site.present)
    texts = site.values.astype(object).map(str, na_action="ignore").to_numpy(copy=True)
    style = str(site.aim.levels[0])
    texts[rows] = [one.strftime(style) for one in site.values[rows]]
    return site.with_columns(**{site.column: _series(site.values, texts)})


def _series(like: pd.Series, cells: NDArray[np.object_]) -> pd.Series:
    import pandas as pd

    return pd.Series(cells, index=like.index, name=like.name, dtype=object)


DAY_AND_MONTH_SWAPPED = Fault(
    name="day_and_month_swapped",
    meaning="day and month change places",
    unit="share of the rows",
    sizes=(0.02, 0.2, 1.0),
    aims=columns_that(lambda trait: trait.kind == "time"),
    plant=_day_and_month,
)

DATE_FORMATS_MIXED = Fault(
    name="date_formats_mixed",
    meaning="times come as texts, some in another format",
    unit="share of the rows",
    sizes=(0.02, 0.2, 1.0),
    aims=columns_that(lambda trait: trait.kind == "time", choices=FORMATS),
    plant=_formats,
)
