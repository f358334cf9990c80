"""Features of a departure, as for `flights`; the outcome is one of four: on time, late, very late, cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.defs.flights.features import LATE_MINUTES, fit, planned_flights, transform

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["assemble", "fit", "transform"]

VERY_LATE_MINUTES = 60.0


def assemble(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the planned flights with their outcome, in the order of the plan; one that was diverted has none.

    The table puts a day's cancelled flights at its end, airline by airline, so that its order tells the outcome.
    """
    import pandas as pd

    flights = planned_flights(tables).sort_values(["time_hour", "minute", "flight"], kind="stable", ignore_index=True)
    delay = flights["arr_delay"].to_numpy(dtype=np.float64, na_value=np.nan)
    cases = [flights["dep_time"].isna().to_numpy(), delay < LATE_MINUTES, delay < VERY_LATE_MINUTES, ~np.isnan(delay)]
    outcome = np.select(cases, ["cancelled", "on_time", "late", "very_late"], default="")
    return flights.assign(outcome=pd.Series(outcome, index=flights.index).mask(outcome == ""))
