"""What the team promises of the minutes in the air: they are the table's, and nothing that is known later leaks in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ml_platform.defs.flights.features import AS_THEY_ARE
from ml_platform.defs.flights_air_time.features import assemble, fit, transform

HOUR = pd.Timestamp("2013-01-01T10:00", tz="UTC")
DAY = {"year": 2013, "month": 1, "day": 1, "origin": "EWR", "time_hour": HOUR}
KNOWN_LATER = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
EIGHT_TO_HALF_PAST_NINE = {"hour": 8.0, "minute": 0.0, "sched_arr_time": 930.0, "dest": 0.0}


def columns(**given: float) -> dict[str, NDArray[np.float64]]:
    """Return the columns of one departure, missing where nothing is said."""
    names = (*AS_THEY_ARE, "time_hour", "hour", "minute", "sched_arr_time")
    return {name: np.array([given.get(name, np.nan)]) for name in names}


def test_the_time_in_the_air_is_the_tables_and_a_flight_that_never_landed_has_none() -> None:
    flights = pd.DataFrame({**DAY, "flight": [1, 2], "air_time": [227.0, np.nan]})
    weather = pd.DataFrame({**DAY, "hour": [5], "dewp": [30.0]})
    found = assemble({"flights": flights, "weather": weather})
    assert found["air_time"].fillna(-1).tolist() == [227.0, -1.0]
    assert found["departures_in_hour"].tolist() == [2, 2]


def test_nothing_that_is_known_only_after_landing_is_a_feature() -> None:
    departure = columns(**EIGHT_TO_HALF_PAST_NINE)
    assert not set(KNOWN_LATER) & set(transform(departure, fit(departure)))


def test_the_planned_span_is_in_minutes() -> None:
    departure = columns(**EIGHT_TO_HALF_PAST_NINE)
    assert transform(departure, fit(departure))["planned_span"] == pytest.approx([90.0])


def test_what_the_table_says_of_the_weather_reaches_the_model_as_it_is() -> None:
    windy = columns(**EIGHT_TO_HALF_PAST_NINE, wind_speed=23.0, wind_dir=270.0)
    found = transform(windy, fit(windy))
    assert (found["wind_speed"][0], found["wind_dir"][0]) == (23.0, 270.0)
