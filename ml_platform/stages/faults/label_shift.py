"""Label shift: one outcome comes more often than before, all else alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import labels
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    rarest = (site.values == site.aim.levels[-1]).fillna(value=False).to_numpy(dtype=bool)
    gone = site.some(share=1 - 1 / site.size, among=~rarest)
    return site.frame[~gone].reset_index(drop=True)


LABEL_SHIFT = Fault(
    name="label_shift",
    meaning="the rarest outcome comes more often",
    unit="odds ratio",
    sizes=(1.2, 1.6, 3.0),
    aims=labels,
    plant=_plant,
)
