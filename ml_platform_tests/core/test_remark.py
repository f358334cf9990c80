"""The same said again of the same by the same person is the same remark; anything else is another."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from ml_platform.core.remark import Remark

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ONE = Remark(prediction_id="p", outcome=1.0, by="kim", at=NOW, heard_at=NOW)


def test_when_it_was_heard_and_how_it_came_make_no_other_remark() -> None:
    again = dataclasses.replace(ONE, heard_at=NOW + dt.timedelta(days=1), through="import x", taken_by="pat")
    assert again.identity == ONE.identity


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": 0.0},
        {"by": "lou"},
        {"prediction_id": "q"},
        {"rating": 3},
        {"comment": "x"},
        {"correction": 1.0},
        {"at": None},
    ],
)
def test_what_is_said_of_what_by_whom_does(change: dict[str, object]) -> None:
    assert dataclasses.replace(ONE, **change).identity != ONE.identity  # type: ignore[arg-type]


def test_what_came_true_counts_before_what_should_have_been_said() -> None:
    assert dataclasses.replace(ONE, correction=0.0).answer == 1.0
    assert dataclasses.replace(ONE, outcome=None, correction=0.0).answer == 0.0
    assert dataclasses.replace(ONE, outcome=None).answer is None
