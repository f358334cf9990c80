"""What the team promises of a flight's outcome: every flight that took off or didn't is in one class, or in none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ml_platform.defs.flights_outcome
from ml_platform.defs.flights import features as flights
from ml_platform.defs.flights_outcome.features import assemble, fit, transform

HOUR = pd.Timestamp("2013-01-01T10:00", tz="UTC")
DAY = {"year": 2013, "month": 1, "day": 1, "origin": "EWR", "time_hour": HOUR}


def outcome_of(arr_delay: float, *, dep_time: float = 955.0) -> str:
    """Return the class of one flight; empty for none."""
    flight = pd.DataFrame({**DAY, "minute": [5], "flight": [1], "dep_time": [dep_time], "arr_delay": [arr_delay]})
    weather = pd.DataFrame({**DAY, "hour": [5], "dewp": [30.0]})
    (found,) = assemble({"flights": flight, "weather": weather})["outcome"].fillna("")
    return str(found)


@pytest.mark.parametrize(
    ("minutes", "outcome"), [(-20, "on_time"), (14, "on_time"), (15, "late"), (59, "late"), (60, "very_late")]
)
def test_the_borders_between_the_classes_are_15_and_60_minutes(minutes: float, outcome: str) -> None:
    assert outcome_of(minutes) == outcome


def test_a_flight_that_never_took_off_is_cancelled_and_a_diverted_one_is_in_no_class() -> None:
    assert outcome_of(np.nan, dep_time=np.nan) == "cancelled"
    assert not outcome_of(np.nan)


def test_rows_are_in_the_order_of_the_plan_and_not_with_the_cancelled_ones_last() -> None:
    flown = {"dep_time": [900.0, 930.0, np.nan], "arr_delay": [0.0, 0.0, np.nan]}
    flights = pd.DataFrame({**DAY, "minute": [0, 30, 15], "flight": [1, 3, 2], **flown})
    weather = pd.DataFrame({**DAY, "hour": [5], "dewp": [30.0]})
    found = assemble({"flights": flights, "weather": weather})
    assert found["outcome"].tolist() == ["on_time", "cancelled", "on_time"]
    assert found["flight"].tolist() == [1, 2, 3]


def test_every_class_is_a_declared_level() -> None:
    declared = (Path(ml_platform.defs.flights_outcome.__file__).parent / "defs.yaml").read_text()
    assert "levels: [on_time, late, very_late, cancelled]" in declared


def test_the_features_are_those_of_the_sibling() -> None:
    assert (fit, transform) == (flights.fit, flights.transform)
