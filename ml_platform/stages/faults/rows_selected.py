"""Rows selected: a group of rows is missing, comes too often, or the largest numbers don't come at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that, each_slice
from ml_platform.stages.faults.cells import numbers_of
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _slice_lost(site: Site) -> pd.DataFrame:
    gone = site.some(among=site.sliced) if site.sliced.any() else site.sliced
    return site.frame[~gone].reset_index(drop=True)


def _slice_grown(site: Site) -> pd.DataFrame:
    """Drop other rows until the slice's odds have grown by the size."""
    gone = site.some(share=1 - 1 / site.size, among=~site.sliced)
    return site.frame[~gone].reset_index(drop=True)


def _tail_lost(site: Site) -> pd.DataFrame:
    return site.frame[~(site.numbers > _bound(site))].reset_index(drop=True)


def _bound(site: Site) -> float:
    return float(np.nanquantile(numbers_of(site.scene.reference[site.column]), 1 - site.size))


SLICE_LOST = Fault(
    name="slice_lost",
    meaning="rows of one group are gone",
    unit="share of the slice",
    sizes=(0.3, 0.7, 1.0),
    aims=each_slice,
    plant=_slice_lost,
)

SLICE_GROWN = Fault(
    name="slice_grown",
    meaning="rows of one group come too often",
    unit="odds ratio",
    sizes=(1.25, 2.0, 4.0),
    aims=each_slice,
    plant=_slice_grown,
)

TAIL_LOST = Fault(
    name="tail_lost",
    meaning="rows with the largest numbers are gone",
    unit="share of the rows",
    sizes=(0.01, 0.05, 0.3),
    aims=columns_that(lambda trait: trait.is_measure),
    plant=_tail_lost,
)
