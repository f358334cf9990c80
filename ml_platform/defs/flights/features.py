"""Features of a departure: its plan, the airport's load in that hour, and the weather there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, NDArray[np.float64]]

LATE_MINUTES = 15.0
MINUTES_PER_DAY = 1440.0
SECONDS_PER_DAY = 86_400.0
EPOCH_WEEKDAY = 3.0
AS_THEY_ARE = (
    "carrier", "origin", "dest", "distance", "departures_in_hour", "dewp", "humid", "wind_dir", "wind_speed",
    "wind_gust", "precip", "pressure", "visib",
)  # fmt: skip


def assemble(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the planned flights, and tell the late ones; a flight that never arrived has no outcome."""
    flights = planned_flights(tables)
    late = (flights["arr_delay"] >= LATE_MINUTES).astype("boolean").mask(flights["arr_delay"].isna())
    return flights.assign(late=late)


def planned_flights(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join each flight with the weather at its airport in the hour of its planned departure.

    The join goes by `time_hour`, which is the same hour as origin, year, month, day and hour, and unique in the weather
    table even in the night when the clocks go back.
    """
    flights = tables["flights"].drop(columns=["year", "month", "day"])
    weather = tables["weather"].drop(columns=["year", "month", "day", "hour"])
    by_hour = flights.groupby(["origin", "time_hour"], observed=True, sort=False)
    planned = flights.assign(departures_in_hour=by_hour["flight"].transform("size"))
    return planned.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")


def fit(columns: Columns) -> dict[str, Any]:
    """Learn the usual planned span of each destination, in minutes by the clocks of both airports."""
    span = _planned_span(columns)
    known = ~np.isnan(columns["dest"])
    codes = columns["dest"][known].astype(np.intp)
    count = np.bincount(codes)
    total = np.bincount(codes, weights=span[known])
    return {"usual_span": [float(minutes) for minutes in total / np.maximum(count, 1)]}


def transform(columns: Columns, state: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Return the features; the weekday is that of the airport's own calendar."""
    local_day = np.floor((columns["time_hour"] - columns["hour"] * 3600.0) / SECONDS_PER_DAY)
    span = _planned_span(columns)
    return {
        **{name: columns[name] for name in AS_THEY_ARE},
        "weekday": (local_day + EPOCH_WEEKDAY) % 7.0,
        "minute_of_day": columns["hour"] * 60.0 + columns["minute"],
        "planned_span": span,
        "span_beyond_usual": span - _usual_span(columns["dest"], state["usual_span"]),
    }


def _planned_span(columns: Columns) -> NDArray[np.float64]:
    arrival = columns["sched_arr_time"]
    arrival_minute = np.floor(arrival / 100.0) * 60.0 + arrival % 100.0
    return (arrival_minute - columns["hour"] * 60.0 - columns["minute"]) % MINUTES_PER_DAY


def _usual_span(dest: NDArray[np.float64], usual: list[float]) -> NDArray[np.float64]:
    spans = np.array([*usual, np.nan])
    places = np.where(np.isnan(dest), len(usual), dest).astype(np.intp)
    found: NDArray[np.float64] = spans[places]
    return found
