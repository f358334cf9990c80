"""Column renamed: the same cells under another name, as after a change in another team's system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import several
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


STYLES = ("capitals", "suffix", "spaces", "anew")


def _plant(site: Site) -> pd.DataFrame:
    names = site.aim.columns[: int(site.size)]
    return site.frame.rename(columns={name: _anew(name, str(site.aim.levels[0]), site.frame) for name in names})


def _anew(name: str, style: str, frame: pd.DataFrame) -> str:
    other = {
        "capitals": name.swapcase(),
        "suffix": f"{name}_1",
        "spaces": f" {name}",
        "anew": f"field_{list(frame.columns).index(name)}",
    }[style]
    return other if other not in frame.columns else f"{other}_x"


COLUMN_RENAMED = Fault(
    name="column_renamed",
    meaning="columns have another name",
    unit="columns",
    sizes=(1, 2, 4),
    aims=several(4, choices=STYLES),
    plant=_plant,
)
