"""Number as text: some numbers come with a unit, a thousands separator or a decimal comma."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


STYLES = ("{:g} EUR", "{:,.2f}", "{:g}*", "~{:g}", "comma")


def _plant(site: Site) -> pd.DataFrame:
    rows = site.some(among=site.present)
    style = str(site.aim.levels[0])
    return site.put(rows, np.array([_written(value, style) for value in site.numbers[rows]], dtype=object))


def _written(value: float, style: str) -> str:
    return f"{value:.2f}".replace(".", ",") if style == "comma" else style.format(value)


NUMBER_AS_TEXT = Fault(
    name="number_as_text",
    meaning="some numbers are texts",
    unit="share of the rows",
    sizes=(0.002, 0.05, 1.0),
    aims=columns_that(lambda trait: trait.kind == "number", choices=STYLES),
    plant=_plant,
)
