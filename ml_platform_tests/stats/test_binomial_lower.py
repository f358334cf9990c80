from __future__ import annotations

import pytest
from scipy.stats import binomtest

from ml_platform.stats.binomial_lower import binomial_lower


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (1, 5), (5, 5), (30, 120), (120, 120)])
def test_it_is_the_exact_bound(successes: int, n: int) -> None:
    exact = binomtest(successes, n, alternative="greater").proportion_ci(0.999).low
    assert binomial_lower(successes, n, confidence=0.999) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(("successes", "n", "confidence"), [(-1, 5, 0.9), (6, 5, 0.9), (1, 5, 1.0), (1, 5, 0.0)])
def test_counts_that_contradict_themselves_are_refused(successes: int, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="needed: 0 <= successes <= n"):
        binomial_lower(successes, n, confidence=confidence)
