"""Column retyped: whole columns come in another type: numbers, times and flags as text, text as codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import several
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.stages.faults.traits import Trait


def _plant(site: Site) -> pd.DataFrame:
    names = site.aim.columns[: int(site.size)]
    return site.with_columns(**{name: _retyped(site.frame[name], site.scene.traits[name]) for name in names})


def _retyped(values: pd.Series, trait: Trait) -> pd.Series:
    cells = values.astype(object)
    match trait.kind:
        case "flag":
            return cells.map({True: "Y", False: "N"})
        case "text":
            code = {level: place for place, level in enumerate(sorted(set(cells.dropna()), key=str))}
            return cells.map(code).astype("float64")
        case _:
            return cells.map(str, na_action="ignore")


COLUMN_RETYPED = Fault(
    name="column_retyped",
    meaning="columns come in another type",
    unit="columns",
    sizes=(1, 2, 4),
    aims=several(4),
    plant=_plant,
)
