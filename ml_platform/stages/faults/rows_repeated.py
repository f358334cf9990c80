"""Rows repeated: rows come twice, from this batch or from the rows that a model was trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import whole_rows
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _duplicated(site: Site) -> pd.DataFrame:
    return _added(site, site.frame[site.some()])


def _from_training(site: Site) -> pd.DataFrame:
    count = max(1, round(site.size * len(site.frame)))
    reference = site.scene.reference
    places = site.rng.choice(len(reference), size=min(count, len(reference)), replace=False)
    return _added(site, reference.iloc[places][list(site.frame.columns)])


def _added(site: Site, more: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([site.frame, more], ignore_index=True)


ROWS_DUPLICATED = Fault(
    name="rows_duplicated",
    meaning="rows of the batch come twice",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.3),
    aims=whole_rows,
    plant=_duplicated,
)

ROWS_FROM_TRAINING = Fault(
    name="rows_from_training",
    meaning="rows of the reference come again",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.3),
    aims=whole_rows,
    plant=_from_training,
)
