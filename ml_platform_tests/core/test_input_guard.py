"""A guard is sound when rows can be held against it."""

from __future__ import annotations

import dataclasses
import math

import pytest

from ml_platform.core.input_guard import NO_GUARD, Detector, Histogram, InputGuard

BINS = Histogram(low=0.0, width=1.0, strangeness=(1.0, 2.0, 3.0, 4.0))
DETECTOR = Detector(histograms=(BINS,), usual=(1.0, 1.0, 2.0), flagged_share=0.1, at_most=0.2)
NOT_NUMBERS = (math.nan, math.inf, -math.inf)


def test_what_was_learned_from_rows_is_sound() -> None:
    assert NO_GUARD.is_sound
    assert InputGuard(ranges={"a": (1.0, 1.0), "b": (-1.0, 3.0)}, detector=DETECTOR).is_sound


@pytest.mark.parametrize(
    "limits", [(2.0, 1.0), *[(one, 1.0) for one in NOT_NUMBERS], *[(1.0, one) for one in NOT_NUMBERS]]
)
def test_a_range_has_two_finite_ends_in_order(limits: tuple[float, float]) -> None:
    assert not InputGuard(ranges={"a": limits}).is_sound


@pytest.mark.parametrize(
    "changes",
    [
        {"low": math.nan}, {"width": 0.0}, {"width": -1.0}, {"width": math.inf}, {"width": math.nan},
        {"strangeness": (1.0, 2.0, 3.0)}, {"strangeness": ()}, {"strangeness": (1.0, math.nan, 1.0, 1.0)},
    ],
)  # fmt: skip
def test_a_value_can_be_looked_up_in_a_histogram(changes: dict[str, object]) -> None:
    bad = dataclasses.replace(BINS, **changes)  # type: ignore[arg-type]
    assert not InputGuard(detector=dataclasses.replace(DETECTOR, histograms=(BINS, bad))).is_sound


@pytest.mark.parametrize(
    "changes",
    [
        {"histograms": ()}, {"usual": ()}, {"usual": (2.0, 1.0)}, {"usual": (math.nan,)}, {"usual": (1.0, math.inf)},
        {"flagged_share": 0.0}, {"flagged_share": 1.0}, {"flagged_share": math.nan}, {"at_most": 0.05},
        {"at_most": 1.0}, {"at_most": math.nan},
    ],
)  # fmt: skip
def test_a_detector_has_rows_to_compare_with_and_a_share(changes: dict[str, object]) -> None:
    assert not InputGuard(detector=dataclasses.replace(DETECTOR, **changes)).is_sound  # type: ignore[arg-type]
