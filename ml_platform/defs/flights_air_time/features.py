"""Features of a departure, as for `flights`; the outcome is the time in the air, as the table has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml_platform.defs.flights.features import fit, planned_flights, transform

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["assemble", "fit", "transform"]


def assemble(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the planned flights; one that never landed has no `air_time`."""
    return planned_flights(tables)
