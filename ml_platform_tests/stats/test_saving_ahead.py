"""What more rows would save goes on as the learning curve's doublings do, and its interval is never too narrow."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.measurement import Measurement
from ml_platform.stats.saving_ahead import saving_ahead

DOUBLING = Measurement(metric="", value=0.04, low=0.02, high=0.06, n=900, facts={"shrinkage": 0.5})


def test_one_doubling_saves_what_the_next_doubling_does() -> None:
    found = saving_ahead(DOUBLING, trained=1_000, more=1_000)
    assert (found.value, found.low, found.high) == (0.04, 0.02, 0.06)
    assert found.facts["doublings"] == 1.0


def test_two_doublings_save_the_next_and_the_shrunken_one_after_it() -> None:
    found = saving_ahead(DOUBLING, trained=1_000, more=3_000)
    assert found.value == pytest.approx(0.04 + 0.02)
    assert (found.low, found.high) == (0.02, 0.12)


def test_no_more_rows_save_nothing_and_fewer_raise() -> None:
    for shrinkage in (0.0, 0.5, 1.0):
        found = saving_ahead(dataclasses.replace(DOUBLING, facts={"shrinkage": shrinkage}), trained=1_000, more=0)
        assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="0 or more are needed"):
        saving_ahead(DOUBLING, trained=1_000, more=-1)


def test_without_a_shrinkage_savings_go_on_as_they_are() -> None:
    found = saving_ahead(dataclasses.replace(DOUBLING, facts={}), trained=1_000, more=3_000)
    assert found.value == pytest.approx(0.08)


def test_a_loss_that_more_rows_would_cost_is_at_its_worst_for_the_lower_bound() -> None:
    found = saving_ahead(dataclasses.replace(DOUBLING, value=-0.02, low=-0.04, high=-0.01), trained=100, more=300)
    assert (found.low, found.high) == (-0.08, -0.01)


def test_what_is_not_known_has_a_reason() -> None:
    unknown = dataclasses.replace(DOUBLING, value=None, reason="3 trainings; 4 are needed")
    assert saving_ahead(unknown, trained=1, more=1).reason == "3 trainings; 4 are needed"
    assert "how sure" in saving_ahead(dataclasses.replace(DOUBLING, high=None), trained=1, more=1).reason
    assert saving_ahead(DOUBLING, trained=0, more=1).reason == "no rows were trained on"


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1), st.floats(0.001, 0.3), st.integers(1, 10_000), st.integers(0, 50_000))
def test_the_interval_holds_what_any_curve_within_the_doublings_interval_saves(
    shrinkage: float, saved: float, trained: int, more: int
) -> None:
    doubling = dataclasses.replace(DOUBLING, value=saved, low=saved, high=saved, facts={"shrinkage": 0.3})
    found = saving_ahead(doubling, trained=trained, more=more)
    doublings = np.log2(1 + more / trained)
    true = saved * (doublings if shrinkage == 1 else (1 - shrinkage**doublings) / (1 - shrinkage)) if more else 0.0
    assert found.low is not None
    assert found.high is not None
    assert found.low - 1e-9 <= true <= found.high + 1e-9
