"""Columns swapped: two columns of the same kind change places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import pairs_of
from ml_platform.stages.faults.cells import put
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    first, second = site.aim.columns
    rows = site.some()
    cells = {name: site.frame[name].astype(object).to_numpy() for name in (first, second)}
    return site.with_columns(**{
        first: put(site.frame[first], rows, cells[second][rows]),
        second: put(site.frame[second], rows, cells[first][rows]),
    })  # fmt: skip


COLUMNS_SWAPPED = Fault(
    name="columns_swapped",
    meaning="two columns change places",
    unit="share of the rows",
    sizes=(0.02, 0.2, 1.0),
    aims=pairs_of(
        lambda trait: trait.kind == "number", lambda trait: trait.kind == "text", lambda trait: trait.kind == "time"
    ),
    plant=_plant,
)
