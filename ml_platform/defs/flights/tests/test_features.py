"""What the team promises of the features of a departure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ml_platform.defs.flights.features import AS_THEY_ARE, assemble, fit, transform

MIDNIGHT_IN_NEW_YORK = 1_357_016_400.0  # Tuesday, 1 January 2013


def columns(**given: list[float]) -> dict[str, NDArray[np.float64]]:
    """Return columns of departures, missing where nothing is said."""
    rows = len(next(iter(given.values())))
    names = (*AS_THEY_ARE, "time_hour", "hour", "minute", "sched_arr_time")
    return {name: np.array(given.get(name, [np.nan] * rows)) for name in names}


def test_a_flight_over_midnight_takes_hours_and_not_minus_hours() -> None:
    late = columns(hour=[23.0], minute=[30.0], sched_arr_time=[115.0], time_hour=[MIDNIGHT_IN_NEW_YORK], dest=[0.0])
    assert transform(late, fit(late))["planned_span"] == pytest.approx([105.0])


def test_the_weekday_is_that_of_the_airport_and_not_of_greenwich() -> None:
    evening = columns(hour=[22.0], minute=[0.0], time_hour=[MIDNIGHT_IN_NEW_YORK + 22 * 3600.0], dest=[np.nan])
    assert transform(evening, {"usual_span": []})["weekday"] == pytest.approx([1.0])


def test_a_destination_never_seen_has_no_usual_span() -> None:
    known = columns(hour=[8.0], minute=[0.0], sched_arr_time=[930.0], dest=[0.0])
    unknown = columns(hour=[8.0], minute=[0.0], sched_arr_time=[930.0], dest=[np.nan])
    assert np.isnan(transform(unknown, fit(known))["span_beyond_usual"]).all()


def test_fifteen_minutes_are_late_and_a_flight_that_never_arrived_has_no_outcome() -> None:
    hour = pd.Timestamp("2013-01-01T10:00", tz="UTC")
    day = {"year": 2013, "month": 1, "day": 1, "origin": "EWR", "time_hour": hour}
    flights = pd.DataFrame({**day, "flight": [1, 2, 3], "arr_delay": [14.0, 15.0, np.nan]})
    weather = pd.DataFrame({**day, "hour": [5], "dewp": [30.0]})
    found = assemble({"flights": flights, "weather": weather})
    assert found["late"].astype("object").tolist() == [False, True, pd.NA]
    assert found["departures_in_hour"].tolist() == [3, 3, 3]
