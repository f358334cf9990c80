"""Stale: a feed repeats what it said before: for a run of rows, in every row, or from some row on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Rows, Site

if TYPE_CHECKING:
    import pandas as pd


def _block(site: Site) -> pd.DataFrame:
    return _held(site, site.block())


def _repeats(site: Site) -> pd.DataFrame:
    places = np.arange(len(site.frame)) // int(site.size) * int(site.size)
    return site.put(np.ones(len(site.frame), dtype=bool), site.values.astype(object).to_numpy()[places])


def _frozen(site: Site) -> pd.DataFrame:
    rows = np.arange(len(site.frame)) >= round(len(site.frame) * (1 - site.size))
    return _held(site, rows)


def _held(site: Site, rows: Rows) -> pd.DataFrame:
    known = np.flatnonzero(site.present)
    if not known.size:
        return site.frame.copy()
    last = known[max(0, int(np.searchsorted(known, np.argmax(rows), side="right")) - 1)]
    return site.put(rows, site.values.astype(object).to_numpy()[last])


STALE_BLOCK = Fault(
    name="stale_block",
    meaning="a run of rows holds one value",
    unit="share of the rows",
    sizes=(0.02, 0.1, 0.4),
    aims=columns_that(lambda trait: trait.distinct > 1),
    plant=_block,
)

STALE_REPEATS = Fault(
    name="stale_repeats",
    meaning="each value is repeated",
    unit="rows per value",
    sizes=(2, 5, 20),
    aims=columns_that(lambda trait: trait.distinct > 1),
    plant=_repeats,
)

FROZEN = Fault(
    name="frozen",
    meaning="from some row on a column holds one value",
    unit="share of the rows",
    sizes=(0.5, 0.9, 1.0),
    aims=columns_that(lambda trait: trait.distinct > 1),
    plant=_frozen,
)
