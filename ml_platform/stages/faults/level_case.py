"""Level case: some texts come in other letters, small for capital, as another system writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    return site.rewrite(site.some(among=site.present), _other_case)


def _other_case(text: str) -> str:
    return text.lower() if text != text.lower() else text.upper()


LEVEL_CASE = Fault(
    name="level_case",
    meaning="texts in capitals instead of small letters, or the other way round",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.3),
    aims=columns_that(lambda trait: trait.kind == "text"),
    plant=_plant,
)
