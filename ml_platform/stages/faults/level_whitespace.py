"""Level whitespace: some texts come with blanks around them, as from fixed-width files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


STYLES = ("{} ", " {}", "{}\t", "{}\u00a0", "{}   ")


def _plant(site: Site) -> pd.DataFrame:
    return site.rewrite(site.some(among=site.present), str(site.aim.levels[0]).format)


LEVEL_WHITESPACE = Fault(
    name="level_whitespace",
    meaning="texts with blanks before or behind",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.3),
    aims=columns_that(lambda trait: trait.kind == "text", choices=STYLES),
    plant=_plant,
)
