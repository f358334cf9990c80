"""Column dropped: the table comes without columns that it always had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import several
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.frame.drop(columns=list(site.aim.columns[: int(site.size)]))


COLUMN_DROPPED = Fault(
    name="column_dropped",
    meaning="columns are gone",
    unit="columns",
    sizes=(1, 2, 4),
    aims=several(4),
    plant=_plant,
)
