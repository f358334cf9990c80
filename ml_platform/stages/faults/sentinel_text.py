"""Sentinel text: `unknown` and its kind stand where nothing was known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


WORDS = ("unknown", "N/A", "-", "", "?", "None", "nan")


def _plant(site: Site) -> pd.DataFrame:
    return site.put(site.some(among=site.present), site.aim.levels[0])


SENTINEL_TEXT = Fault(
    name="sentinel_text",
    meaning="`unknown` and its kind instead of a level",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.3),
    aims=columns_that(lambda trait: trait.kind == "text", choices=WORDS),
    plant=_plant,
)
