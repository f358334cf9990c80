from __future__ import annotations

import math

import numpy as np
import pytest

from ml_platform.stats.loss_by_level import loss_by_level
from ml_platform.stats.loss_excess import loss_excess


def test_each_level_is_measured_as_it_is_alone() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, 3_000)
    losses = rng.exponential(1 + codes / 4)
    for place, found in enumerate(loss_by_level(losses, codes, ["a", "b", "c"], confidence=0.99)):
        alone = loss_excess(losses, codes == place, confidence=0.99)
        assert found.n == alone.n
        assert found.value == pytest.approx(alone.value)
        assert found.low == pytest.approx(alone.low, abs=0.003)
        assert found.high == pytest.approx(alone.high, abs=0.003)


def test_a_level_without_enough_rows_or_loss_says_so_and_so_does_a_flaw() -> None:
    found = loss_by_level([1.0, 2.0, 3.0, 0.0, 0.0], np.array([0, 0, 1, 2, 2]), ["a", "b", "c"])
    assert [one.value is None for one in found] == [False, True, True]
    assert "two rows and a loss" in found[1].reason
    broken = loss_by_level([1.0, math.nan], np.array([0, 0]), ["a"])
    assert "not finite" in broken[0].reason
    with pytest.raises(ValueError, match="the same number is needed"):
        loss_by_level([1.0], np.array([0, 1]), ["a"])
