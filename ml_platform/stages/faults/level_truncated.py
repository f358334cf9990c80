"""Level truncated: texts are cut at a length, as by a field that is too short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    longest = max((len(str(level)) for level in site.trait.levels), default=1)
    kept = max(1, int(longest * site.size))
    return site.rewrite(site.present, lambda text: text[:kept])


LEVEL_TRUNCATED = Fault(
    name="level_truncated",
    meaning="texts cut at a length",
    unit="share of the longest text's length",
    sizes=(0.8, 0.5, 0.25),
    aims=columns_that(lambda trait: trait.kind == "text"),
    plant=_plant,
)
