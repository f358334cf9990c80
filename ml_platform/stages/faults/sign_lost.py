"""Sign lost: negative numbers come without their sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    negative = site.present & (site.numbers < 0)
    return site.put_numbers(-site.numbers, site.some(among=negative)) if negative.any() else site.frame.copy()


SIGN_LOST = Fault(
    name="sign_lost",
    meaning="negative numbers without their sign",
    unit="share of the negative",
    sizes=(0.05, 0.3, 1.0),
    aims=columns_that(lambda trait: trait.is_measure and any(float(str(level)) < 0 for level in trait.levels)),
    plant=_plant,
)
