"""Labels wrong: outcomes that aren't what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import labels, labels_in_slices
from ml_platform.stages.faults.fault import Fault, Rows, Site

if TYPE_CHECKING:
    import pandas as pd


def _flipped(site: Site) -> pd.DataFrame:
    return _other(site, site.some(among=site.present))


def _flipped_in_a_slice(site: Site) -> pd.DataFrame:
    return _other(site, site.some(among=site.sliced & site.present))


def _one_way(site: Site) -> pd.DataFrame:
    """Turn the rarest outcome into the most frequent one, as where it isn't known yet."""
    rarest = (site.values == site.aim.levels[-1]).fillna(value=False).to_numpy(dtype=bool)
    return site.put(site.some(among=rarest), site.aim.levels[0]) if rarest.any() else site.frame.copy()


def _shuffled(site: Site) -> pd.DataFrame:
    rows = site.some()
    return site.put(rows, site.rng.permutation(site.values.astype(object).to_numpy()[rows]))


def _other(site: Site, rows: Rows) -> pd.DataFrame:
    cells = site.values.astype(object).to_numpy()[rows]
    levels = site.aim.levels
    others = [[level for level in levels if level != one] for one in cells]
    return site.put(rows, np.array([some[int(site.rng.integers(len(some)))] for some in others], dtype=object))


LABELS_FLIPPED = Fault(
    name="labels_flipped",
    meaning="some labels are wrong",
    unit="share of the rows",
    sizes=(0.01, 0.05, 0.2),
    aims=labels,
    plant=_flipped,
)

LABELS_FLIPPED_IN_A_SLICE = Fault(
    name="labels_flipped_in_a_slice",
    meaning="one group's labels are wrong",
    unit="share of the slice",
    sizes=(0.05, 0.2, 0.8),
    aims=labels_in_slices,
    plant=_flipped_in_a_slice,
)

LABELS_FLIPPED_ONE_WAY = Fault(
    name="labels_flipped_one_way",
    meaning="the rarest outcome isn't recorded",
    unit="share of the outcome",
    sizes=(0.1, 0.3, 0.8),
    aims=labels,
    plant=_one_way,
)

LABELS_SHUFFLED = Fault(
    name="labels_shuffled",
    meaning="labels belong to other rows",
    unit="share of the rows",
    sizes=(0.05, 0.2, 1.0),
    aims=labels,
    plant=_shuffled,
)
